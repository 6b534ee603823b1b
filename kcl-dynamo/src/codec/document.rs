//! Documents as items.

use aws_sdk_dynamodb::{primitives::Blob, types::AttributeValue};
use bytes::Bytes;
use kcl_core::lease::{DocName, Document};

use super::{
    Row,
    fields::{BadRow, Fields, number},
};
use crate::layout::{Item, Kind, SK, VERSION_ATTRIBUTE};

impl Row for Document {
    type Key = DocName;
    const KIND: Kind = Kind::Document;

    fn key(&self) -> &DocName {
        &self.name
    }

    fn sort_key(key: &DocName) -> String {
        key.as_str().to_owned()
    }

    fn encode(&self) -> Item {
        let mut item = Item::from([(VERSION_ATTRIBUTE.to_owned(), number(self.version))]);
        // Some servers refuse an empty binary.
        if !self.body.is_empty() {
            let body = Blob::new(self.body.as_ref());
            item.insert("d".to_owned(), AttributeValue::B(body));
        }
        item
    }

    fn decode(item: &Item) -> Result<Self, BadRow> {
        let row = Fields(item);
        let body = Bytes::copy_from_slice(row.bytes("d")?);
        Ok(Self::new(row.parsed(SK)?, row.number(VERSION_ATTRIBUTE)?, body))
    }
}
