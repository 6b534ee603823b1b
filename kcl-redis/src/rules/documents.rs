//! The conditions and changes of writes on documents.

use bytes::Bytes;
use kcl_core::lease::DeleteDoc;

use crate::change::Change;

/// Writes `body` over the version `seen`.
pub(crate) fn put_doc(seen: u64, body: Bytes) -> Change {
    Change::new().when_is("v", seen).set("v", seen + 1).body(body)
}

pub(crate) fn delete_doc(delete: &DeleteDoc) -> Change {
    Change::new().when_is("v", delete.seen)
}
