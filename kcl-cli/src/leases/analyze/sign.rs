//! What can be seen of a run.

use jiff::Timestamp;

/// Something that was seen, and when, in microseconds since 1970.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Sign {
    pub(super) at: u64,
    pub(super) what: What,
}

/// What was seen.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum What {
    /// A worker reads a shard no longer.
    Lost { shard: String, worker: String },
    /// A shard was read to its end.
    Ended { shard: String },
    /// A worker is known to the others.
    Joined { worker: String },
    /// A worker was told to leave.
    Leaving { worker: String },
    /// A worker has gone by itself.
    Gone { worker: String },
    /// A worker was silent for longer than its session, and others ended that.
    Died { worker: String },
    /// A shard came into being, from these.
    Born { shard: String, parents: Vec<String> },
    /// A worker reads a shard.
    Gained { shard: String, worker: String },
    /// Something of this run was written down then, whatever it was.
    Looked,
}

/// A time as text, in microseconds since 1970.
pub(super) fn micros(text: &str) -> Option<u64> {
    let at: Timestamp = text.parse().ok()?;
    u64::try_from(at.as_microsecond()).ok()
}
