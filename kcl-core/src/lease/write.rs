//! What a conditional write answers.

use std::{fmt, sync::Arc};

/// What became of a conditional write. A lost compare-and-set is an answer, not an error.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use = "a refused write changed nothing"]
pub enum Write<R> {
    /// It was applied; the row after it (for a deletion: the row that was deleted).
    Done(R),
    /// Its condition did not hold; the row at the refusal or later, `None` if there is none.
    Refused(Option<R>),
}

impl<R> Write<R> {
    /// The row, if the write was applied.
    pub fn done(self) -> Option<R> {
        match self {
            Self::Done(row) => Some(row),
            Self::Refused(_) => None,
        }
    }

    /// Whether the write was applied.
    pub const fn is_done(&self) -> bool {
        matches!(self, Self::Done(_))
    }

    /// The row, whatever became of the write.
    pub fn into_row(self) -> Option<R> {
        match self {
            Self::Done(row) => Some(row),
            Self::Refused(row) => row,
        }
    }

    /// The same answer over another row type.
    pub fn map<S>(self, change: impl FnOnce(R) -> S) -> Write<S> {
        match self {
            Self::Done(row) => Write::Done(change(row)),
            Self::Refused(row) => Write::Refused(row.map(change)),
        }
    }
}

/// The store's own clock, in milliseconds since 1970. Serves epochs and display only.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StoreTime(pub u64);

/// Which history of the store an answer belongs to (replication id, timeline). When it changes,
/// the store may have gone back in time. Empty where that cannot happen.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Generation(Arc<str>);

impl Generation {
    /// The generation called `name`.
    #[must_use]
    pub fn new(name: &str) -> Self {
        Self(name.into())
    }

    /// Its name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Default for Generation {
    fn default() -> Self {
        Self::new("")
    }
}

impl fmt::Debug for Generation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// When and in which history the store answered.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stamp {
    /// The store's clock.
    pub at: StoreTime,
    /// The store's history.
    pub generation: Generation,
}

impl Stamp {
    /// The answer of a store at `at`, in the history `generation`.
    #[must_use]
    pub const fn new(at: StoreTime, generation: Generation) -> Self {
        Self { at, generation }
    }
}

/// An answer with its stamp.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stamped<T> {
    /// The answer.
    pub value: T,
    /// When and in which history the store gave it.
    pub stamp: Stamp,
}
