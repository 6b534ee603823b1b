//! The conditions of writes on documents.

use kcl_core::lease::{DeleteDoc, PutDoc};

use super::absent;
use crate::{change::Change, codec::number};

fn at_version(seen: u64) -> Change {
    Change::new().when("v=:seen").bind(":seen", number(seen))
}

pub(crate) fn put_doc(put: &PutDoc) -> Change {
    put.seen.map_or_else(absent, at_version)
}

pub(crate) fn delete_doc(delete: &DeleteDoc) -> Change {
    at_version(delete.seen)
}
