//! The rules of [`kcl_core::lease::rules`] as conditions and changes for the scripts: one function
//! for each conditional write. The field names are the short names of [`kcl_core::store::codec`].
//!
//! The scripts refuse a change of a missing row, so that no change creates one.

mod documents;
mod leases;
mod sessions;

pub(crate) use documents::{delete_doc, put_doc};
pub(crate) use leases::{acquire, advance, delete, release, restart};
pub(crate) use sessions::{beat, end_session, forget, wake};
