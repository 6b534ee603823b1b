//! The leases that a change would move, for a command that asks before it goes on.

use std::time::Duration;

use crate::{
    change::{
        design::Found,
        target::{RowChange, Spot, Target},
    },
    env::WallTime,
    lease::{Checkpoint, LeaseKey},
    stream::StreamDescription,
};

/// The move of one lease by a change.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Move {
    /// The lease.
    pub lease: LeaseKey,
    /// Its present checkpoint; `None` if it has no row.
    pub from: Option<Checkpoint>,
    /// Its checkpoint after the change.
    pub to: Checkpoint,
    /// When the last processed record arrived at the stream; `None` if it is not known.
    pub arrival: Option<WallTime>,
    /// How much time lies between the two checkpoints.
    pub reach: Reach,
}

impl Move {
    /// A move to this checkpoint, of which nothing else is known.
    #[must_use]
    pub const fn to(lease: LeaseKey, to: Checkpoint) -> Self {
        Self { lease, from: None, to, arrival: None, reach: Reach::Unknown }
    }
}

/// How much time a move sets a lease back, or skips.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Reach {
    /// The checkpoint stays.
    Stays,
    /// Records of this much time are read again.
    Back(Duration),
    /// Records of at most this much time are read again: the stream keeps none that is older.
    BackAtMost(Duration),
    /// Records of this much time are skipped.
    Forward(Duration),
    /// The time of one of the checkpoints is not known.
    Unknown,
}

/// The moves of a target, in the order of its rows.
#[must_use]
pub fn moves(target: &Target, found: &Found<'_>) -> Vec<Move> {
    let description = &found.stream.description;
    target.rows.iter().map(|row| of(row, description)).collect()
}

/// One row of the preview.
fn of(change: &RowChange, stream: &StreamDescription) -> Move {
    let row = &change.row;
    let to = &change.to.checkpoint;
    Move {
        lease: row.key.clone(),
        from: change.found.then(|| row.checkpoint.clone()),
        to: to.clone(),
        arrival: row.progress.arrival.filter(|_| change.found),
        reach: reach(change, stream),
    }
}

/// The time between a row's present checkpoint and its new one, as far as both are known.
fn reach(change: &RowChange, stream: &StreamDescription) -> Reach {
    let row = &change.row;
    if Spot::of(row) == change.to {
        return Reach::Stays;
    }
    // The last processed record arrived at this time, or reading was to start at it.
    let stood = match row.checkpoint {
        Checkpoint::AtTimestamp(at) => Some(at),
        _ => row.progress.arrival.filter(|_| change.found),
    };
    // No record can be older than the retention, or than the stream itself.
    let oldest = stream.server_time.minus(stream.retention).max(stream.key.created);
    let Some(stood) = stood else { return Reach::Unknown };
    match change.to.checkpoint {
        Checkpoint::TrimHorizon => Reach::BackAtMost(stood.since(oldest)),
        Checkpoint::AtTimestamp(at) if at <= stood => Reach::Back(stood.since(at)),
        Checkpoint::AtTimestamp(at) => Reach::Forward(at.since(stood)),
        _ => Reach::Unknown,
    }
}
