//! The rules of [`kcl_core::lease::rules`] as SQL: one function for each conditional write.
//!
//! In each text `{s}` stands for the schema and `{row}` for the returned columns; `$1` is the
//! application and `$2` the key of the row. A statement that returns no row was refused. No update
//! creates a missing row.

mod documents;
mod fields;
mod leases;
mod sessions;

pub(crate) use documents::{delete_doc, put_doc};
pub(crate) use fields::{listed, place, place_values, set};
pub(crate) use leases::{acquire, advance, advance_all, delete, release, restart};
pub(crate) use sessions::{beat, end_session, forget, wake};

use crate::connections::Statement;

/// A statement, and the function that binds its values after the application and the key.
pub(crate) struct Conditional {
    pub(crate) sql: &'static str,
    pub(crate) bind: Box<dyn FnOnce(Statement) -> Statement + Send>,
}

impl Conditional {
    fn new(sql: &'static str, bind: impl FnOnce(Statement) -> Statement + Send + 'static) -> Self {
        Self { sql, bind: Box::new(bind) }
    }
}
