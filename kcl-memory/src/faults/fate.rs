//! What becomes of one call.

use std::{sync::Arc, time::Duration};

use kcl_core::store::StoreErrorKind;

/// Decides what becomes of each call. Called once a call, in the order of the calls.
pub type Policy = Arc<dyn Fn(&Call) -> Fate + Send + Sync>;

/// A call on a lease store.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Call {
    /// The operation, as [`kcl_core::store::LeaseStore`] names it.
    pub op: &'static str,
    /// Whether it writes.
    pub kind: CallKind,
    /// The row it is about; empty for a listing.
    pub key: String,
}

impl Call {
    pub(super) fn new(op: &'static str, kind: CallKind, key: impl Into<String>) -> Self {
        Self { op, kind, key: key.into() }
    }
}

/// What kind of call it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CallKind {
    /// It may change a row.
    Write,
    /// It reads, and has to see every acknowledged write.
    Read,
    /// It reads, and may miss recent writes.
    EventualRead,
    /// It prepares the store or opens a channel for wake-ups.
    Setup,
}

/// What becomes of one call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fate {
    /// How long the request travels before the store sees it.
    pub before: Duration,
    /// How long the answer travels.
    pub after: Duration,
    /// What happens between the two.
    pub outcome: Outcome,
}

impl Fate {
    /// Served at once.
    pub const CALM: Self = Self::of(Outcome::Served);

    /// This outcome, without delay.
    #[must_use]
    pub const fn of(outcome: Outcome) -> Self {
        Self { before: Duration::ZERO, after: Duration::ZERO, outcome }
    }

    /// The same, with both ways taking their time.
    #[must_use]
    pub const fn slowly(mut self, before: Duration, after: Duration) -> Self {
        self.before = before;
        self.after = after;
        self
    }
}

/// What the store makes of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Outcome {
    /// It answers.
    Served,
    /// It does nothing and says so with this kind of error: `Unavailable`, `Throttled`, `Denied`.
    Refused(StoreErrorKind),
    /// It answers, but the answer is lost: a write is `Unknown`, a read `Unavailable`.
    ReplyLost,
    /// The caller is told `Unknown`, and the write lands this much later than it would have. A read
    /// is `Unavailable`.
    Late(Duration),
    /// It answers, and the same write lands once more this much later. A read is served.
    Duplicated(Duration),
    /// An eventually consistent read gives what the same read gave before; anything else is served.
    Stale,
}
