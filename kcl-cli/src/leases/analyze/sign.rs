//! The facts that logs and readings can show of a run.

use jiff::Timestamp;

/// A fact with its time. Signs are sorted by time; at equal times by the order of [`What`], so that
/// a loss comes before the gain that follows it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Sign {
    /// Microseconds since 1970.
    pub(super) at: u64,
    pub(super) what: What,
}

/// A fact. The order of the variants matters: see [`Sign`].
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum What {
    /// A worker lost the lease of a shard.
    Lost { shard: String, worker: String },
    /// A worker read a shard to its end.
    Ended { shard: String },
    /// A worker registered its session.
    Joined { worker: String },
    /// A worker began to leave.
    Leaving { worker: String },
    /// A worker has left.
    Gone { worker: String },
    /// Others ended the session of a silent worker.
    Died { worker: String },
    /// The lease of a shard appeared; `parents` are empty for a shard of the first list.
    Born { shard: String, parents: Vec<String> },
    /// A worker gained the lease of a shard.
    Gained { shard: String, worker: String },
    /// Any other line of the run. Its time extends the run.
    Looked,
}

/// Parses a time like `2026-01-31T09:00:00Z` into microseconds since 1970; `None` if it is none.
pub(super) fn micros(text: &str) -> Option<u64> {
    let at: Timestamp = text.parse().ok()?;
    u64::try_from(at.as_microsecond()).ok()
}
