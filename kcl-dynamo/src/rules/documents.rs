//! The conditions of writes on documents.

use kcl_core::lease::{DeleteDoc, PutDoc};

use super::absent;
use crate::{change::Change, codec::number};

/// Requires that the document has the version that the caller saw.
fn at_version(seen: u64) -> Change {
    Change::new().when("v=:seen").bind(":seen", number(seen))
}

/// Requires the version that the caller saw, or that there is no document if it saw none. The whole
/// item is replaced.
pub(crate) fn put_doc(put: &PutDoc) -> Change {
    put.seen.map_or_else(absent, at_version)
}

/// Requires the version that the caller saw.
pub(crate) fn delete_doc(delete: &DeleteDoc) -> Change {
    at_version(delete.seen)
}
