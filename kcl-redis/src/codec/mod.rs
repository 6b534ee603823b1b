//! Rows to text and back.

mod document;
mod fields;
mod lease;
mod session;

use std::collections::BTreeMap;

use bytes::Bytes;

pub(crate) use fields::BadRow;
use fields::Fields;
pub(crate) use lease::shard_list;

use crate::layout::Kind;

/// A row that is kept as text.
pub(crate) trait Row: Send + Sync + Sized {
    /// What identifies it within an application.
    type Key: Sync;
    /// Where it is kept.
    const KIND: Kind;

    /// The key of this row.
    fn key(&self) -> &Self::Key;
    /// What a row is called among those of its kind.
    fn name(key: &Self::Key) -> String;
    /// Every field.
    fn fields(&self) -> BTreeMap<&'static str, String>;
    /// What follows the fields: a document's body.
    fn body(&self) -> Option<&Bytes> {
        None
    }
    /// Reads a row back.
    fn decode(name: &str, fields: &Fields, body: &[u8]) -> Result<Self, BadRow>;
}

/// Between the fields of a row and its body.
const SEPARATOR: u8 = b'\n';

/// A row as it is stored.
pub(crate) fn encode<R: Row>(row: &R) -> Vec<u8> {
    // Strings only: nothing of it can fail.
    let mut text = serde_json::to_vec(&row.fields()).unwrap_or_default();
    if let Some(body) = row.body() {
        text.push(SEPARATOR);
        text.extend_from_slice(body);
    }
    text
}

/// Reads a row back from what is stored under `name`.
pub(crate) fn decode<R: Row>(name: &str, stored: &[u8]) -> Result<R, BadRow> {
    let at = stored.iter().position(|byte| *byte == SEPARATOR).unwrap_or(stored.len());
    let (head, body) = stored.split_at(at);
    R::decode(name, &Fields::read(head)?, body.get(1..).unwrap_or_default())
}

#[cfg(test)]
mod tests;
