//! What a change would move, for people to look at before they agree.

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

/// From where to where a lease would move.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Move {
    /// Which lease.
    pub lease: LeaseKey,
    /// Where it stands; `None`: it has no row yet.
    pub from: Option<Checkpoint>,
    /// Where it would stand.
    pub to: Checkpoint,
    /// When the last record that was processed arrived at the stream, where known.
    pub arrival: Option<WallTime>,
    /// How much time lies between the two.
    pub reach: Reach,
}

impl Move {
    /// A move of which nothing is known but where the lease would stand.
    #[must_use]
    pub const fn to(lease: LeaseKey, to: Checkpoint) -> Self {
        Self { lease, from: None, to, arrival: None, reach: Reach::Unknown }
    }
}

/// How much time a move takes back or passes over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Reach {
    /// It stays where it is.
    Stays,
    /// Records of this much time are read again.
    Back(Duration),
    /// Records of at most this much time are read again: the oldest record is that old at most.
    BackAtMost(Duration),
    /// Records of this much time are passed over.
    Forward(Duration),
    /// The times of the two are not known.
    Unknown,
}

/// The moves that `target` makes, in the order of leases.
#[must_use]
pub fn moves(target: &Target, found: &Found<'_>) -> Vec<Move> {
    let description = &found.stream.description;
    target.rows.iter().map(|row| of(row, description)).collect()
}

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

fn reach(change: &RowChange, stream: &StreamDescription) -> Reach {
    let row = &change.row;
    if Spot::of(row) == change.to {
        return Reach::Stays;
    }
    let stood = match row.checkpoint {
        Checkpoint::AtTimestamp(at) => Some(at),
        _ => row.progress.arrival.filter(|_| change.found),
    };
    let oldest = stream.server_time.minus(stream.retention).max(stream.key.created);
    let Some(stood) = stood else { return Reach::Unknown };
    match change.to.checkpoint {
        Checkpoint::TrimHorizon => Reach::BackAtMost(stood.since(oldest)),
        Checkpoint::AtTimestamp(at) if at <= stood => Reach::Back(stood.since(at)),
        Checkpoint::AtTimestamp(at) => Reach::Forward(at.since(stood)),
        _ => Reach::Unknown,
    }
}
