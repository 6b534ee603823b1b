//! The rules of [`kcl_core::lease::rules`] as DynamoDB expressions: one function for each
//! conditional write. The attribute names are the short names of [`kcl_core::store::codec`]:
//!
//! | row | attribute | meaning |
//! |---|---|---|
//! | session | `st`, `b`, `mb` | state, beat number, number of wake-ups |
//! | lease | `o`, `e` | owner (missing if there is none), epoch |
//! | lease | `k`, `ck` | checkpoint: as a text that compares in order, and its kind |
//! | lease | `su`, `av` | the next owner, and the worker to avoid, after a release |
//! | lease | `cd` | the children of an ended shard |
//! | document | `v` | version |
//!
//! A comparison with an attribute of a missing item is false. `UpdateItem`, which creates missing
//! items, therefore creates none here: each update has a comparison.

mod documents;
mod leases;
mod sessions;

pub(crate) use documents::{delete_doc, put_doc};
pub(crate) use leases::{acquire, advance, delete, release, restart};
pub(crate) use sessions::{beat, end_session, forget, wake};

use crate::change::Change;

/// Requires that the row does not exist.
pub(crate) fn absent() -> Change {
    Change::new().when("attribute_not_exists(pk)")
}
