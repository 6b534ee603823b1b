//! Builds the conditions and changes of a conditional write, as JSON for the scripts.

use std::collections::BTreeMap;

use bytes::Bytes;
use kcl_core::store::codec::Fields;
use serde::Serialize;

use crate::codec::text;

/// The conditions and the changes of one conditional write. The row must exist in any case.
#[derive(Clone, Debug, Default, Serialize)]
pub(crate) struct Change {
    /// The conditions: a field, the check, and its values. All must hold.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    when: Vec<(&'static str, Check, Vec<String>)>,
    /// The fields to write.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    set: BTreeMap<&'static str, String>,
    /// The fields to remove.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    unset: Vec<&'static str>,
    /// The fields to raise by one.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    count: Vec<&'static str>,
    /// The channel that gets a message after the write.
    #[serde(skip_serializing_if = "Option::is_none")]
    publish: Option<String>,
    /// Whether the channel is a sharded one, whose messages stay on the application's node.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    sharded: bool,
    /// Whether the answer carries the server's time and history.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    stamp: bool,
    /// A document's new body.
    #[serde(skip)]
    pub(crate) body: Option<Bytes>,
}

/// The check of a field.
#[derive(Clone, Copy, Debug, Serialize)]
#[serde(rename_all = "lowercase")]
enum Check {
    /// The row lacks the field.
    Absent,
    /// The field has one of the values.
    Among,
    /// The field's number is below the value.
    Below,
    /// The field's number is at most the value.
    Upto,
}

#[expect(clippy::needless_pass_by_value, reason = "numbers, ids and literals alike")]
impl Change {
    /// A change whose only condition is that the row exists.
    pub(crate) fn new() -> Self {
        Self::default()
    }

    fn when(mut self, field: &'static str, check: Check, wanted: Vec<String>) -> Self {
        self.when.push((field, check, wanted));
        self
    }

    /// Requires that a field has this value.
    pub(crate) fn when_is(self, field: &'static str, value: impl ToString) -> Self {
        self.when_among(field, [value])
    }

    /// Requires that a field has one of these values.
    pub(crate) fn when_among<T: ToString>(
        self,
        field: &'static str,
        values: impl IntoIterator<Item = T>,
    ) -> Self {
        let values = values.into_iter().map(|value| value.to_string()).collect();
        self.when(field, Check::Among, values)
    }

    /// Requires that the row lacks a field.
    pub(crate) fn when_absent(self, field: &'static str) -> Self {
        self.when(field, Check::Absent, Vec::new())
    }

    /// Requires that the number in a field is below this one.
    pub(crate) fn when_below(self, field: &'static str, value: impl ToString) -> Self {
        self.when(field, Check::Below, vec![value.to_string()])
    }

    /// Requires that the number in a field is at most this one.
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

    /// Writes a field; removes it if `value` is `None`.
    pub(crate) fn set_or_unset(self, field: &'static str, value: Option<impl ToString>) -> Self {
        match value {
            Some(value) => self.set(field, value),
            None => self.unset(field),
        }
    }

    /// Adds one to a field.
    pub(crate) fn count(mut self, field: &'static str) -> Self {
        self.count.push(field);
        self
    }

    /// Replaces the body of a document.
    pub(crate) fn body(mut self, body: Bytes) -> Self {
        self.body = Some(body);
        self
    }

    /// Sends a message to a channel after the write.
    pub(crate) fn publish(mut self, channel: String, sharded: bool) -> Self {
        self.publish = Some(channel);
        self.sharded = sharded;
        self
    }

    /// Asks for the server's time and history in the answer.
    pub(crate) const fn stamped(mut self) -> Self {
        self.stamp = true;
        self
    }

    /// The change as JSON, for the scripts.
    pub(crate) fn to_json(&self) -> String {
        // Serialising strings and lists of strings cannot fail.
        serde_json::to_string(self).unwrap_or_default()
    }
}
