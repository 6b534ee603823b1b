//! Rows as the core's types.

mod document;
mod fields;
mod lease;
mod session;

use sqlx::postgres::PgRow;

pub(crate) use fields::{int, millis, shards};
pub(crate) use lease::bind_checkpoint;

use crate::{connections::Statement, error::BadRow};

/// A kind of rows.
pub(crate) trait Row: Sized + Send {
    /// What a row is found by, beside the application.
    type Key: Sync;

    /// The name of the table.
    const TABLE: &'static str;
    /// The column that holds the key.
    const KEY: &'static str;
    /// Every column but the application, the key first.
    const COLUMNS: &'static str;

    /// The key as its column holds it.
    fn text_of(key: &Self::Key) -> String;

    /// The row's own key, likewise.
    fn key_text(&self) -> String;

    /// Gives a statement the values of [`Self::COLUMNS`], in that order.
    fn bind(&self, statement: Statement) -> Statement;

    /// Reads a row back.
    fn decode(row: &PgRow) -> Result<Self, BadRow>;
}
