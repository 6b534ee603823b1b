//! Converts rows to items and back. Each field of a row is an attribute under its short name.

use std::{borrow::Cow, fmt::Display};

use aws_sdk_dynamodb::{primitives::Blob, types::AttributeValue};
use kcl_core::{
    store::codec::{BadRow, Field, Form, Row, Source, Value},
    stream::ShardId,
};

use crate::layout::{Item, SK};

/// A number attribute.
pub(crate) fn number(value: impl Display) -> AttributeValue {
    AttributeValue::N(value.to_string())
}

/// A string attribute.
pub(crate) fn text(value: impl Into<String>) -> AttributeValue {
    AttributeValue::S(value.into())
}

/// A list attribute of shard ids; `None` for an empty list.
pub(crate) fn shards(shards: &[ShardId]) -> Option<AttributeValue> {
    attribute(Value::List(shards.iter().map(|shard| shard.as_str().into()).collect()))
}

/// The attribute for a value; `None` for an empty list and empty bytes, because some servers refuse
/// an empty binary.
pub(crate) fn attribute(value: Value<'_>) -> Option<AttributeValue> {
    if value.is_empty() {
        return None;
    }
    Some(match value {
        Value::Text(value) => text(value),
        Value::Number(value) => number(value),
        Value::List(items) => AttributeValue::L(items.into_iter().map(text).collect()),
        Value::Bytes(bytes) => AttributeValue::B(Blob::new(bytes)),
    })
}

/// All attributes of a row except its keys.
pub(crate) fn encode<R: Row>(row: &R) -> Item {
    let mut item = Item::with_capacity(R::FIELDS.len() + 2);
    row.write_to(&mut |field, value| {
        if let Some(value) = value.and_then(attribute) {
            item.insert(field.name.to_owned(), value);
        }
    });
    item
}

/// Reads a row from an item.
pub(crate) fn decode<R: Row>(item: &Item) -> Result<R, BadRow> {
    match item.get(SK) {
        Some(AttributeValue::S(key)) => R::read(key, &Attributes(item)),
        _ => Err(BadRow::new(R::KIND, "", format!("its sort key {SK:?} is no string"))),
    }
}

/// The attributes of an item, as the codec of `kcl-core` reads them.
struct Attributes<'a>(&'a Item);

impl Source for Attributes<'_> {
    fn get(&self, field: &Field) -> Result<Option<Value<'_>>, String> {
        let Some(value) = self.0.get(field.name) else { return Ok(None) };
        match (field.form, value) {
            (Form::Text, AttributeValue::S(text)) => Ok(Value::Text(text.into())),
            (Form::Number, AttributeValue::N(digits)) => whole(digits).map(Value::Number),
            (Form::List, AttributeValue::L(items)) => texts(items).map(Value::List),
            (Form::Bytes, AttributeValue::B(blob)) => Ok(Value::Bytes(blob.as_ref().into())),
            (Form::Text, _) => Err("is no string (S)".to_owned()),
            (Form::Number, _) => Err("is no number (N)".to_owned()),
            (Form::List, _) => Err("is no list (L)".to_owned()),
            (Form::Bytes, _) => Err("is no binary (B)".to_owned()),
        }
        .map(Some)
    }
}

/// Parses the digits of a number attribute. A fraction, or a number above `u64::MAX`, is an error.
fn whole(digits: &str) -> Result<u64, String> {
    digits.parse().map_err(|_| format!("is no whole number in range: {digits:?}"))
}

/// The strings of a list attribute. Any other kind of element is an error.
fn texts(items: &[AttributeValue]) -> Result<Vec<Cow<'_, str>>, String> {
    let no_string = |_| "holds what is no string (S)".to_owned();
    items.iter().map(|item| item.as_s().map(Cow::from).map_err(no_string)).collect()
}

#[cfg(test)]
mod tests;
