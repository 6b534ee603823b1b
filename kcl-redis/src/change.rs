//! Conditions, and changes under them, as the scripts read them.

use std::collections::BTreeMap;

use bytes::Bytes;
use kcl_core::store::codec::Fields;
use serde::Serialize;

use crate::codec::text;

/// What a conditional write demands and does.
#[derive(Clone, Debug, Default, Serialize)]
pub(crate) struct Change {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    when: Vec<(&'static str, Check, Vec<String>)>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    set: BTreeMap<&'static str, String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    unset: Vec<&'static str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    count: Vec<&'static str>,
    /// The channel to send a message to, once done.
    #[serde(skip_serializing_if = "Option::is_none")]
    publish: Option<String>,
    /// Whether that is a channel of the application's node only.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    sharded: bool,
    /// Whether the answer is to carry time and history of the server.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    stamp: bool,
    /// A document's new body.
    #[serde(skip)]
    pub(crate) body: Option<Bytes>,
}

/// How a field is looked at.
#[derive(Clone, Copy, Debug, Serialize)]
#[serde(rename_all = "lowercase")]
enum Check {
    Absent,
    Among,
    Below,
    Upto,
}

#[expect(clippy::needless_pass_by_value, reason = "numbers, ids and literals alike")]
impl Change {
    /// A change that demands nothing but a row.
    pub(crate) fn new() -> Self {
        Self::default()
    }

    fn when(mut self, field: &'static str, check: Check, wanted: Vec<String>) -> Self {
        self.when.push((field, check, wanted));
        self
    }

    /// Demands that a field has this value.
    pub(crate) fn when_is(self, field: &'static str, value: impl ToString) -> Self {
        self.when_among(field, [value])
    }

    /// Demands that a field has one of these values.
    pub(crate) fn when_among<T: ToString>(
        self,
        field: &'static str,
        values: impl IntoIterator<Item = T>,
    ) -> Self {
        let values = values.into_iter().map(|value| value.to_string()).collect();
        self.when(field, Check::Among, values)
    }

    /// Demands that a field is not there.
    pub(crate) fn when_absent(self, field: &'static str) -> Self {
        self.when(field, Check::Absent, Vec::new())
    }

    /// Demands that the number in a field is below this one.
    pub(crate) fn when_below(self, field: &'static str, value: impl ToString) -> Self {
        self.when(field, Check::Below, vec![value.to_string()])
    }

    /// Demands that the number in a field is at most this one.
    pub(crate) fn when_up_to(self, field: &'static str, value: impl ToString) -> Self {
        self.when(field, Check::Upto, vec![value.to_string()])
    }

    /// Writes a field.
    pub(crate) fn set(mut self, field: &'static str, value: impl ToString) -> Self {
        self.set.insert(field, value.to_string());
        self
    }

    /// Writes every field of a part of a row; removes those without a value.
    pub(crate) fn write(mut self, part: &impl Fields) -> Self {
        part.write_to(&mut |field, value| match value.and_then(text) {
            Some(value) => drop(self.set.insert(field.name, value.into_owned())),
            None => self.unset.push(field.name),
        });
        self
    }

    /// Removes a field.
    pub(crate) fn unset(mut self, field: &'static str) -> Self {
        self.unset.push(field);
        self
    }

    /// Writes a field, or removes it.
    pub(crate) fn set_or_unset(self, field: &'static str, value: Option<impl ToString>) -> Self {
        match value {
            Some(value) => self.set(field, value),
            None => self.unset(field),
        }
    }

    /// Counts a field up by one.
    pub(crate) fn count(mut self, field: &'static str) -> Self {
        self.count.push(field);
        self
    }

    /// Replaces a document's body.
    pub(crate) fn body(mut self, body: Bytes) -> Self {
        self.body = Some(body);
        self
    }

    /// Sends a message to a channel, once done.
    pub(crate) fn publish(mut self, channel: String, sharded: bool) -> Self {
        self.publish = Some(channel);
        self.sharded = sharded;
        self
    }

    /// Has the answer carry time and history of the server.
    pub(crate) const fn stamped(mut self) -> Self {
        self.stamp = true;
        self
    }

    /// As the scripts read it.
    pub(crate) fn to_json(&self) -> String {
        // Strings and lists of strings: nothing of it can fail.
        serde_json::to_string(self).unwrap_or_default()
    }
}
