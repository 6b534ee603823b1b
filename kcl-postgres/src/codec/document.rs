//! Documents as rows.

use bytes::Bytes;
use kcl_core::lease::{DocName, Document};
use sqlx::postgres::PgRow;

use super::{
    Row,
    fields::{Fields, int},
};
use crate::{connections::Statement, error::BadRow};

impl Row for Document {
    type Key = DocName;
    const TABLE: &'static str = "document";
    const KEY: &'static str = "name";
    const COLUMNS: &'static str = "name, version, body";

    fn text_of(key: &DocName) -> String {
        key.as_str().to_owned()
    }

    fn key_text(&self) -> String {
        self.name.as_str().to_owned()
    }

    fn bind(&self, statement: Statement) -> Statement {
        statement.bind(self.key_text()).bind(int(self.version)).bind(self.body.to_vec())
    }

    fn decode(row: &PgRow) -> Result<Self, BadRow> {
        let row = Fields(row);
        let body = Bytes::copy_from_slice(row.bytes("body")?);
        Ok(Self::new(row.parsed("name")?, row.number("version")?, body))
    }
}
