//! The rules of `kcl_core::lease::rules` as conditional statements.
//!
//! Each names the schema `{s}` and the returned columns `{row}`; the application is always `$1` and
//! the row's key `$2`. An absent row meets no condition, so that no update makes one.

mod documents;
mod fields;
mod leases;
mod sessions;

pub(crate) use documents::{delete_doc, put_doc};
pub(crate) use fields::{listed, place, place_values, set};
pub(crate) use leases::{acquire, advance, advance_all, delete, release, restart};
pub(crate) use sessions::{beat, end_session, forget, wake};

use crate::connections::Statement;

/// A statement whose first two values are not given yet, and what gives it the others.
pub(crate) struct Conditional {
    pub(crate) sql: &'static str,
    pub(crate) bind: Box<dyn FnOnce(Statement) -> Statement + Send>,
}

impl Conditional {
    fn new(sql: &'static str, bind: impl FnOnce(Statement) -> Statement + Send + 'static) -> Self {
        Self { sql, bind: Box::new(bind) }
    }
}
