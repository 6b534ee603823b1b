//! Comparing shards and rows: which leases are missing, and which are useless.

use std::collections::BTreeSet;

use super::{FrozenStart, Lineage, coverage, graph::Node};
use crate::{
    lease::{Checkpoint, Delete, Lease, LeaseKey},
    store::codec::BadRow,
    stream::{HashRange, Shard, ShardId},
};

/// The result of [`reconcile`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Changes {
    /// The leases to put if they are absent, **in this order**: descendants before their ancestors.
    /// If a planner stops half way, no ancestor has a row while its descendants have none: the next
    /// planner would take those for children that were made later.
    pub create: Vec<Lease>,
    /// Rows that no shard depends on: the shard has ended, and the stream has forgotten it.
    pub delete: Vec<Delete>,
    /// Unfinished leases whose shard the stream no longer lists and whose parents have all ended.
    /// The planner gives each to a worker like a runnable one. The worker's reader finds that the
    /// shard is gone; the worker reports that, ends the lease, and puts the children that are still
    /// listed.
    pub orphaned: Vec<LeaseKey>,
    /// Leases of earlier lives of the stream, to be deleted: their records are gone.
    pub stale: Vec<Delete>,
    /// The hash keys that no lease reads or will read once `create` is done. A hole that is seen
    /// once may come from a list that lags; one that is seen twice is to be reported.
    pub holes: Vec<HashRange>,
    /// Contradictions in the list of shards, or between the list and the rows.
    pub problems: Vec<Problem>,
}

impl Changes {
    /// Whether the listed shards are of an earlier life of the stream than the rows.
    pub(crate) fn is_of_former_life(&self) -> bool {
        self.problems.iter().any(|problem| matches!(problem, Problem::LaterLife { .. }))
    }
}

/// A contradiction in the list of shards, or between the list and the rows.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Problem {
    /// The stream lists no shard, which no stream does. Nothing is changed.
    #[error("the stream lists no shards; leases are left as they are")]
    NothingListed,
    /// A row is of a later life of the stream than the one listed. Nothing is changed.
    #[error("lease {key} is of a later life of its stream than the shards that were listed")]
    LaterLife {
        /// The key of such a row.
        key: LeaseKey,
    },
    /// The row says that the shard has ended, but the stream says that it still takes records.
    #[error(
        "lease {key} has ended but its shard is open: records put to it are not read. Stop all \
         workers, and `kcl leases reset --lease {key} --to trim-horizon` reads the shard again \
         from its start"
    )]
    EndedWhileOpen {
        /// The key of the row.
        key: LeaseKey,
    },
    /// A lease row cannot be decoded. [`reconcile`] never reports it, since it gets only rows that
    /// can.
    #[error(
        "{0}. Its shard is not read and not given another row until this one is mended in the \
         store. If it cannot be, delete it there: the shard is then read again from its start"
    )]
    Unreadable(BadRow),
}

/// Compares the shards that a stream lists with its lease rows. The list must be complete, and it
/// must have been asked for *after* the rows were read: then every shard that a row names either is
/// listed or was forgotten by the stream.
///
/// `start` is the frozen start of the stream. These shards get a lease:
///
/// - A listed shard with an ancestor that has a row gets its lease at the end of a parent, at
///   `TrimHorizon`. If a parent has ended and the row is missing nevertheless (the owner died in
///   between), it is put here. The child's first record always came after reading began: a shard
///   that existed then had a row before any of its ancestors had one.
/// - A listed shard that no row leads to is a beginning, or the other parent of a merge, or its row
///   was lost. If the start is `TrimHorizon`, only the oldest of these get a lease (no parent is
///   listed); the others follow as these end, from their first record, too. If the start is a time,
///   **every** such shard gets a lease at that time, closed ones too. A list does not say when a
///   shard was closed, so any may hold records from after that time; one that holds none is drained
///   at once. Its children must not start at its end, at `TrimHorizon`: they may have been open
///   long before that time (a stream lists closed shards until their last record expires, days
///   later), and all their old records would be delivered.
///
/// Applied again and again, this fills every hole that a listed shard can fill.
///
/// ```
/// use kcl_core::{
///     env::WallTime,
///     lineage::{FrozenStart, Lineage, reconcile},
///     stream::{Shard, StreamKey},
/// };
///
/// let stream = StreamKey::new("orders", WallTime::from_millis(1));
/// let shards = [Shard::new("shardId-000000000000".parse().unwrap())];
/// let lineage = Lineage::new(&stream, &shards, []);
/// let changes = reconcile(&lineage, FrozenStart::TrimHorizon);
/// assert_eq!(changes.create.len(), 1);
/// ```
#[must_use]
pub fn reconcile(lineage: &Lineage<'_>, start: FrozenStart) -> Changes {
    let mut changes = Changes::default();
    if let Some(lease) = lineage.later_life() {
        changes.problems.push(Problem::LaterLife { key: lease.key.clone() });
        return changes;
    }
    if lineage.shards().next().is_none() {
        changes.problems.push(Problem::NothingListed);
        return changes;
    }
    changes.create = missing(lineage, start);
    changes.delete = forgotten(lineage);
    changes.orphaned = orphaned(lineage);
    changes.stale = lineage.former_life().map(of_gone_stream).collect();
    changes.holes = coverage::holes(lineage, &changes.create);
    changes.problems = ended_while_open(lineage);
    changes
}

/// The leases to put, descendants first.
fn missing(lineage: &Lineage<'_>, start: FrozenStart) -> Vec<Lease> {
    let mut led_to: BTreeSet<&ShardId> = BTreeSet::new();
    let mut create = Vec::new();
    let nodes = lineage.parents_first().into_iter().map(|at| &lineage.nodes()[at]);
    for shard in nodes.filter(|node| node.row.is_none()).filter_map(|node| node.shard) {
        let rows = shard.parents.iter().filter_map(|parent| lineage.lease(parent));
        let after_a_row = rows.clone().next().is_some();
        if after_a_row || shard.parents.iter().any(|parent| led_to.contains(parent)) {
            led_to.insert(&shard.id);
            if rows.into_iter().any(Lease::has_ended) && children_of_the_ended_are_made() {
                sometimes!(MissingChildMade);
                create.push(lease_of(lineage, shard, Checkpoint::TrimHorizon));
            }
        } else if begins(lineage, shard, start) {
            let is_first = lineage.leases().next().is_none();
            sometimes!(BeginningMade, !is_first);
            if is_first || later_beginnings_are_made() {
                create.push(lease_of(lineage, shard, start.into()));
            }
        }
    }
    create.reverse();
    create
}

/// Whether a shard that no row leads to gets a lease by itself, and not at the end of its parent.
fn begins(lineage: &Lineage<'_>, shard: &Shard, start: FrozenStart) -> bool {
    match start {
        FrozenStart::AtTimestamp(_) => true,
        FrozenStart::TrimHorizon => shard.parents.iter().all(|p| lineage.shard(p).is_none()),
    }
}

/// A lease of this shard, with its parents and its range.
fn lease_of(lineage: &Lineage<'_>, shard: &Shard, start: Checkpoint) -> Lease {
    Lease::new(LeaseKey::of_shard(lineage.stream(), &shard.id), start)
        .of_shard(shard.parents.clone(), shard.range)
}

/// The rows to delete: the shard has ended, it is no longer listed, and each child has a row or is
/// no longer listed either. While a shard is listed, its row is the only proof that it was read.
fn forgotten(lineage: &Lineage<'_>) -> Vec<Delete> {
    let nodes = lineage.nodes();
    let without_row = |id: &ShardId| lineage.shard(id).is_some() && lineage.lease(id).is_none();
    let awaiting: BTreeSet<&ShardId> =
        nodes.iter().filter(|node| node.row.is_none()).flat_map(Node::parents).collect();
    let may_go = |node: &Node<'_>, row: &Lease| {
        row.has_ended()
            && is_unlisted(node)
            && !awaiting.contains(&node.id)
            && !row.children.iter().any(without_row)
    };
    let rows = nodes.iter().filter_map(|node| node.row.filter(|row| may_go(node, row)));
    rows.map(|row| Delete::ended(row.key.clone(), row.epoch)).collect()
}

/// The unfinished leases of shards that the stream has forgotten, and that nothing else holds up.
fn orphaned(lineage: &Lineage<'_>) -> Vec<LeaseKey> {
    let is_orphaned = |node: &Node<'_>, row: &Lease| {
        !row.has_ended()
            && node.shard.is_none()
            && row.parents.iter().all(|parent| lineage.is_past(parent))
    };
    let nodes = lineage.nodes().iter();
    let rows = nodes.filter_map(|node| node.row.filter(|row| is_orphaned(node, row)));
    rows.map(|row| row.key.clone()).collect()
}

fn of_gone_stream(lease: &Lease) -> Delete {
    Delete::of_gone_stream(lease.key.clone(), lease.epoch)
}

/// The rows of shards that have ended although the stream says that they are open.
fn ended_while_open(lineage: &Lineage<'_>) -> Vec<Problem> {
    let open = lineage.nodes().iter().filter(|node| node.shard.is_some_and(|shard| !shard.closed));
    let ended = open.filter_map(|node| node.row.filter(|row| row.has_ended()));
    ended.map(|row| Problem::EndedWhileOpen { key: row.key.clone() }).collect()
}

/// Whether a child without a row gets one once a parent has ended.
fn children_of_the_ended_are_made() -> bool {
    !planted!(MissingChildLeft)
}

/// Whether a shard that no row leads to gets a row although other shards have some.
fn later_beginnings_are_made() -> bool {
    !planted!(MissingBeginningLeft)
}

/// Whether the stream has forgotten a shard.
fn is_unlisted(node: &Node<'_>) -> bool {
    node.shard.is_none() || planted!(EndedRowDeletedEarly)
}
