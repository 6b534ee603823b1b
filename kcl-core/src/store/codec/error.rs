//! Rows that make no sense.

use std::fmt;

/// A kind of rows. Each has a place of its own in a store. A new one comes with operations of its
/// own in [`crate::store::LeaseStore`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RowKind {
    /// [`crate::lease::Session`].
    Session,
    /// [`crate::lease::Lease`].
    Lease,
    /// [`crate::lease::Document`].
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

/// A row that makes no sense: which, and what is wrong with it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the {kind} {key:?}: {why}")]
#[non_exhaustive]
pub struct BadRow {
    /// What was to be read.
    pub kind: RowKind,
    /// The row's key, as it is stored.
    pub key: String,
    /// What is wrong: the field, and its value.
    pub why: String,
}

impl BadRow {
    /// The row `key` makes no sense, and `why`.
    #[must_use]
    pub fn new(kind: RowKind, key: &str, why: impl fmt::Display) -> Self {
        Self { kind, key: shortened(key), why: why.to_string() }
    }
}

/// A field that makes no sense.
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

/// As much of a text as a message bears.
pub(super) fn shortened(text: &str) -> String {
    const MOST: usize = 400;
    text.chars().take(MOST).collect()
}
