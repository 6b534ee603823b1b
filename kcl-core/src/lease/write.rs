//! The answer of a conditional write, and the stamp with which a store answers beats.

use std::{fmt, sync::Arc};

/// The answer of a conditional write. A condition that does not hold is an answer, not an error.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use = "a refused write changed nothing"]
pub enum Write<R> {
    /// The write was applied. Holds the row after it; for a deletion, the deleted row.
    Done(R),
    /// The condition did not hold. Holds the row at that moment or later; `None` if there is none.
    Refused(Option<R>),
}

impl<R> Write<R> {
    /// The row, if the write was applied; else `None`.
    pub fn done(self) -> Option<R> {
        match self {
            Self::Done(row) => Some(row),
            Self::Refused(_) => None,
        }
    }

    /// True if the write was applied.
    pub const fn is_done(&self) -> bool {
        matches!(self, Self::Done(_))
    }

    /// The row, whether the write was applied or refused.
    pub fn into_row(self) -> Option<R> {
        match self {
            Self::Done(row) => Some(row),
            Self::Refused(row) => row,
        }
    }

    /// Converts the row.
    pub fn map<S>(self, change: impl FnOnce(R) -> S) -> Write<S> {
        match self {
            Self::Done(row) => Write::Done(change(row)),
            Self::Refused(row) => Write::Refused(row.map(change)),
        }
    }
}

/// A time of the store's own clock, in milliseconds since 1970. It serves epochs and display only.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StoreTime(pub u64);

/// The history of the store to which an answer belongs: the replication id of Redis, the timeline
/// of PostgreSQL. If it changes, the store may have lost its last writes (PROTOCOL rule 13). Empty
/// for a store that cannot lose writes.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Generation(Arc<str>);

impl Generation {
    /// The generation with this name.
    #[must_use]
    pub fn new(name: &str) -> Self {
        Self(name.into())
    }

    /// The name.
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

/// The store's time and history at an answer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stamp {
    /// The store's clock.
    pub at: StoreTime,
    /// The store's history.
    pub generation: Generation,
}

impl Stamp {
    /// The stamp of an answer at `at`, in the history `generation`.
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
    /// The store's time and history at the answer.
    pub stamp: Stamp,
}
