//! Documents as rows.

use std::collections::BTreeMap;

use bytes::Bytes;
use kcl_core::lease::{DocName, Document};

use super::{
    Row,
    fields::{BadRow, Fields, parse_name},
};
use crate::layout::Kind;

impl Row for Document {
    type Key = DocName;
    const KIND: Kind = Kind::Document;

    fn key(&self) -> &DocName {
        &self.name
    }

    fn name(key: &DocName) -> String {
        key.as_str().to_owned()
    }

    fn fields(&self) -> BTreeMap<&'static str, String> {
        [("v", self.version.to_string())].into()
    }

    fn body(&self) -> Option<&Bytes> {
        Some(&self.body)
    }

    fn decode(name: &str, fields: &Fields, body: &[u8]) -> Result<Self, BadRow> {
        Ok(Self::new(parse_name(name)?, fields.parsed("v")?, Bytes::copy_from_slice(body)))
    }
}
