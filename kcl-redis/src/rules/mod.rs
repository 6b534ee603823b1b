//! The rules of `kcl_core::lease::rules` as conditions and changes.
//!
//! An absent row holds no condition, so that no change makes one.

mod documents;
mod leases;
mod sessions;

pub(crate) use documents::{delete_doc, put_doc};
pub(crate) use leases::{acquire, advance, delete, release, restart};
pub(crate) use sessions::{beat, end_session, forget, wake};
