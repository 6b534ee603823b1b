//! Reading attributes.

use std::{fmt::Display, str::FromStr};

use aws_sdk_dynamodb::types::AttributeValue;

use crate::layout::Item;

/// An attribute that makes no sense.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("attribute {attribute:?} {why}")]
pub(crate) struct BadRow {
    attribute: &'static str,
    why: String,
}

impl BadRow {
    pub(crate) fn new(attribute: &'static str, why: impl Display) -> Self {
        Self { attribute, why: why.to_string() }
    }
}

/// A number.
pub(crate) fn number(value: impl Display) -> AttributeValue {
    AttributeValue::N(value.to_string())
}

/// A text.
pub(crate) fn text(value: impl Into<String>) -> AttributeValue {
    AttributeValue::S(value.into())
}

/// The attributes of an item.
#[derive(Clone, Copy)]
pub(super) struct Fields<'a>(pub(super) &'a Item);

impl<'a> Fields<'a> {
    /// A text, if the attribute is there.
    pub(super) fn text_or_none(self, name: &'static str) -> Result<Option<&'a str>, BadRow> {
        match self.0.get(name) {
            None => Ok(None),
            Some(AttributeValue::S(text)) => Ok(Some(text)),
            Some(_) => Err(BadRow::new(name, "is no string")),
        }
    }

    pub(super) fn text(self, name: &'static str) -> Result<&'a str, BadRow> {
        self.text_or_none(name)?.ok_or_else(|| BadRow::new(name, "is missing"))
    }

    /// A text that is the name of something, if the attribute is there.
    pub(super) fn parsed_or_none<T>(self, name: &'static str) -> Result<Option<T>, BadRow>
    where
        T: FromStr<Err: Display>,
    {
        let text = self.text_or_none(name)?;
        text.map(str::parse).transpose().map_err(|why| BadRow::new(name, format!("is bad: {why}")))
    }

    pub(super) fn parsed<T>(self, name: &'static str) -> Result<T, BadRow>
    where
        T: FromStr<Err: Display>,
    {
        self.parsed_or_none(name)?.ok_or_else(|| BadRow::new(name, "is missing"))
    }

    /// A number, if the attribute is there.
    pub(super) fn number_or_none<T: FromStr>(
        self,
        name: &'static str,
    ) -> Result<Option<T>, BadRow> {
        match self.0.get(name) {
            None => Ok(None),
            Some(AttributeValue::N(digits)) => match digits.parse() {
                Ok(number) => Ok(Some(number)),
                Err(_) => Err(BadRow::new(name, "is no whole number in range")),
            },
            Some(_) => Err(BadRow::new(name, "is no number")),
        }
    }

    pub(super) fn number<T: FromStr>(self, name: &'static str) -> Result<T, BadRow> {
        self.number_or_none(name)?.ok_or_else(|| BadRow::new(name, "is missing"))
    }

    /// A list of names; empty if the attribute is not there.
    pub(super) fn list<T>(self, name: &'static str) -> Result<Vec<T>, BadRow>
    where
        T: FromStr<Err: Display>,
    {
        let values = match self.0.get(name) {
            None => return Ok(Vec::new()),
            Some(AttributeValue::L(values)) => values,
            Some(_) => return Err(BadRow::new(name, "is no list")),
        };
        let parse = |value: &AttributeValue| match value {
            AttributeValue::S(text) => {
                text.parse().map_err(|why| BadRow::new(name, format!("is bad: {why}")))
            }
            _ => Err(BadRow::new(name, "holds what is no string")),
        };
        values.iter().map(parse).collect()
    }

    /// Bytes; empty if the attribute is not there.
    pub(super) fn bytes(self, name: &'static str) -> Result<&'a [u8], BadRow> {
        match self.0.get(name) {
            None => Ok(&[]),
            Some(AttributeValue::B(blob)) => Ok(blob.as_ref()),
            Some(_) => Err(BadRow::new(name, "is no binary")),
        }
    }
}
