//! The fields of rows: their names and the forms of their values.

use std::{borrow::Cow, fmt};

/// A field of a row. Its names never change, because rows of older and newer releases are in one
/// store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Field {
    /// The short name, for stores that keep the name with each value (DynamoDB, Redis).
    pub name: &'static str,
    /// The long name, for stores that have a schema (PostgreSQL).
    pub column: &'static str,
    /// The form of the values.
    pub form: Form,
    /// Whether a row may lack the field. A missing list or bytes field is read as empty, whatever
    /// this says.
    pub optional: bool,
}

impl Field {
    /// A placeholder in an array of fields that is being filled at compile time.
    pub(super) const NONE: Self = Self::new("", "", Form::Text, true);

    pub(super) const fn new(
        name: &'static str,
        column: &'static str,
        form: Form,
        optional: bool,
    ) -> Self {
        Self { name, column, form, optional }
    }
}

/// The form of the values of a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// ASCII text of at most a kilobyte.
    Text,
    /// A whole number, at most `u64::MAX / 2`. Times and durations are milliseconds.
    Number,
    /// A list of texts without commas.
    List,
    /// Bytes, at most [`crate::lease::Document::MAX_BODY`].
    Bytes,
}

impl fmt::Display for Form {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Text => "text",
            Self::Number => "number",
            Self::List => "list",
            Self::Bytes => "bytes",
        })
    }
}

/// The value of a field, in the field's [`Form`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value<'a> {
    /// A text.
    Text(Cow<'a, str>),
    /// A number.
    Number(u64),
    /// A list of texts.
    List(Vec<Cow<'a, str>>),
    /// Bytes.
    Bytes(Cow<'a, [u8]>),
}

impl Value<'_> {
    /// The form of this value.
    #[must_use]
    pub const fn form(&self) -> Form {
        match self {
            Self::Text(_) => Form::Text,
            Self::Number(_) => Form::Number,
            Self::List(_) => Form::List,
            Self::Bytes(_) => Form::Bytes,
        }
    }

    /// True for an empty list and for empty bytes. A store need not keep such a value, because a
    /// missing one is read as empty.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        match self {
            Self::List(items) => items.is_empty(),
            Self::Bytes(bytes) => bytes.is_empty(),
            Self::Text(_) | Self::Number(_) => false,
        }
    }
}
