//! A field of a row: what it is called, and what a store is given to keep in it.

use std::{borrow::Cow, fmt};

/// A field of a row.
///
/// Names are for ever: rows of older and newer releases lie in one store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Field {
    /// A short name, for stores that keep the name with each value.
    pub name: &'static str,
    /// A name in words, for stores that have a schema.
    pub column: &'static str,
    /// What its values are.
    pub form: Form,
    /// Whether a row may be without it. Lists and bytes are never: they may be empty.
    pub optional: bool,
}

impl Field {
    /// What stands in a table of fields before they are put there.
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

/// What the values of a field are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// Text of ASCII characters, a kilobyte at most.
    Text,
    /// A whole number up to `u64::MAX / 2`; times and spans are milliseconds.
    Number,
    /// A list of texts that hold no comma.
    List,
    /// Bytes, up to [`crate::lease::Document::MAX_BODY`].
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

/// The value of a field, of the field's [`Form`].
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
    /// What kind of value it is.
    #[must_use]
    pub const fn form(&self) -> Form {
        match self {
            Self::Text(_) => Form::Text,
            Self::Number(_) => Form::Number,
            Self::List(_) => Form::List,
            Self::Bytes(_) => Form::Bytes,
        }
    }

    /// Whether it is a list or bytes with nothing in it. A store may keep nothing for it: a list
    /// and bytes that are not there are read as empty.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        match self {
            Self::List(items) => items.is_empty(),
            Self::Bytes(bytes) => bytes.is_empty(),
            Self::Text(_) | Self::Number(_) => false,
        }
    }
}
