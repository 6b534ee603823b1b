//! The errors of rows that cannot be decoded.

use std::fmt;

/// A kind of rows. A store keeps the kinds apart, for example in tables of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RowKind {
    /// The rows of [`crate::lease::Session`].
    Session,
    /// The rows of [`crate::lease::Lease`].
    Lease,
    /// The rows of [`crate::lease::Document`].
    Document,
}

impl fmt::Display for RowKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Session => "session",
            Self::Lease => "lease",
            Self::Document => "document",
        })
    }
}

/// A row that cannot be decoded, with the reason.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the {kind} {key:?}: {why}")]
#[non_exhaustive]
pub struct BadRow {
    /// The kind of the row.
    pub kind: RowKind,
    /// The row's key as it is stored, cut to 400 characters.
    pub key: String,
    /// The reason: the field and its value. It never shows bytes.
    pub why: String,
}

impl BadRow {
    /// The error of the row `key`, for the reason `why`.
    #[must_use]
    pub fn new(kind: RowKind, key: &str, why: impl fmt::Display) -> Self {
        Self { kind, key: shortened(key), why: why.to_string() }
    }
}

/// A field that cannot be decoded, with the reason.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("field {field:?} {why}")]
pub struct BadField {
    field: &'static str,
    why: String,
}

impl BadField {
    pub(super) const fn new(field: &'static str, why: String) -> Self {
        Self { field, why }
    }
}

/// The first 400 characters of a text, for messages.
pub(super) fn shortened(text: &str) -> String {
    const MOST: usize = 400;
    text.chars().take(MOST).collect()
}
