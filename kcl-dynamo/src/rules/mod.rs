//! The rules of `kcl_core::lease::rules` as conditions and changes.
//!
//! An absent row fails every comparison, so that no update makes one.

mod documents;
mod leases;
mod sessions;

pub(crate) use documents::{delete_doc, put_doc};
pub(crate) use leases::{acquire, advance, delete, release, restart};
pub(crate) use sessions::{beat, end_session, forget, wake};

use crate::change::Change;

/// Demands that there is no row.
pub(crate) fn absent() -> Change {
    Change::new().when("attribute_not_exists(pk)")
}
