//! Computes the effect of a change before it is made: which leases would move, which nobody would
//! read, and how many each worker would hold. Pure: the input is a [`Picture`], and the planner's
//! own functions make the plan.

use std::collections::BTreeMap;

use kcl_core::{
    assignment::placement::Placement,
    coordinator::Forecast,
    lease::{DocName, Document, Lease, LeaseKey, WorkerId},
};
use serde::Serialize;

use crate::{columns::section, picture::Picture, times::millis};

/// The effect of a change.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Outlook {
    /// Leases that would get another owner than their present live one.
    pub(crate) moves: Vec<Move>,
    /// Leases that nobody would read.
    pub(crate) unread: Vec<Unread>,
    /// The share of each live worker.
    pub(crate) workers: Vec<Share>,
}

/// A lease that would move.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Move {
    pub(crate) shard: String,
    /// The present owner; `None` if there is none that lives.
    pub(crate) from: Option<String>,
    /// The worker that would get it.
    pub(crate) to: String,
}

/// A lease that nobody would read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Unread {
    pub(crate) shard: String,
    pub(crate) reason: String,
    /// How long ago the last processed record arrived; unread records may be as old. `None` if no
    /// record was processed.
    pub(crate) since_ms: Option<u64>,
    /// How long the stream keeps records; `None` if unknown.
    pub(crate) retention_ms: Option<u64>,
}

/// How many leases a worker holds, and would hold.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Share {
    pub(crate) worker: String,
    pub(crate) before: usize,
    pub(crate) after: usize,
}

impl Outlook {
    /// The effect of this placement document, in place of the one in the store.
    pub(crate) fn of(picture: &Picture, document: &Document) -> Self {
        Self::by(picture, &picture.plan(document))
    }

    /// Whether two outlooks are the same but for the ages of unread records.
    pub(crate) fn is_like(&self, other: &Self) -> bool {
        let unread = |outlook: &Self| -> Vec<(String, String)> {
            let each = outlook.unread.iter();
            each.map(|it| (it.shard.clone(), it.reason.clone())).collect()
        };
        self.moves == other.moves && self.workers == other.workers && unread(self) == unread(other)
    }

    /// The effect of a plan, compared with the owners in the picture.
    pub(crate) fn by(picture: &Picture, planned: &Forecast) -> Self {
        let rows: BTreeMap<&LeaseKey, &Lease> =
            picture.rows.iter().map(|row| (&row.key, row)).collect();
        let of_living = picture.living.iter().map(|session| (&session.id.worker, (0, 0)));
        let mut counts: BTreeMap<&WorkerId, (usize, usize)> = of_living.collect();
        let held = picture.rows.iter().filter(|row| !row.key.is_role() && !row.has_ended());
        for holder in held.filter_map(|row| picture.holder(row)) {
            counts.entry(holder).or_default().0 += 1;
        }
        let mut outlook = Self::default();
        for (key, to) in &planned.seats {
            counts.entry(&to.worker).or_default().1 += 1;
            let from = rows.get(key).and_then(|row| picture.holder(row));
            if from != Some(&to.worker) {
                let (from, to) = (from.map(ToString::to_string), to.worker.to_string());
                outlook.moves.push(Move { shard: shard_of(key), from, to });
            }
        }
        outlook.unread = planned.unassigned.iter().map(|it| left(picture, &rows, it)).collect();
        outlook.workers = counts
            .into_iter()
            .map(|(worker, (before, after))| Share { worker: worker.to_string(), before, after })
            .collect();
        outlook
    }
}

/// A lease that the plan gives to no worker, with the ages that show how urgent it is.
fn left(
    picture: &Picture,
    rows: &BTreeMap<&LeaseKey, &Lease>,
    (key, reason): &(LeaseKey, String),
) -> Unread {
    let arrival = rows.get(key).and_then(|row| row.progress.arrival);
    let retention = picture.stream.as_ref().map(|it| millis(it.retention));
    Unread {
        shard: shard_of(key),
        reason: reason.clone(),
        since_ms: arrival.map(|at| picture.now.as_millis().saturating_sub(at.as_millis())),
        retention_ms: retention.filter(|retention| *retention > 0),
    }
}

/// The shard id of a lease; the whole key if the lease is not of a shard.
pub(crate) fn shard_of(key: &LeaseKey) -> String {
    key.shard().map_or_else(|| key.to_string(), |shard| shard.to_string())
}

/// The document that these rules and marks make.
///
/// # Errors
/// The encoded rules and marks are larger than a document may be.
pub(crate) fn document(placement: &Placement) -> anyhow::Result<Document> {
    Ok(Document::new(DocName::placement(), 0, placement.encode()?))
}

/// The moves as a table; empty if there are none.
pub(crate) fn moves(moves: &[Move]) -> String {
    let dash = || "-".to_owned();
    section(&["WOULD MOVE", "FROM", "TO"], moves, |it| {
        vec![it.shard.clone(), it.from.clone().unwrap_or_else(dash), it.to.clone()]
    })
}

/// The unread leases as a table; empty if there are none.
pub(crate) fn unread(unread: &[Unread]) -> String {
    let minutes = |millis: u64| format!("{} min", millis / 60_000);
    section(&["READ BY NOBODY", "WHY", "UNREAD SINCE"], unread, |it| {
        let since = match (it.since_ms, it.retention_ms) {
            (Some(since), Some(kept)) => format!("{} of {} kept", minutes(since), minutes(kept)),
            (Some(since), None) => minutes(since),
            (None, _) => "unknown".to_owned(),
        };
        vec![it.shard.clone(), it.reason.clone(), since]
    })
}

/// The workers as a table.
pub(crate) fn workers(workers: &[Share]) -> String {
    section(&["WORKER", "LEASES", "WOULD HOLD"], workers, |it| {
        vec![it.worker.clone(), it.before.to_string(), it.after.to_string()]
    })
}
