//! What to change, so that leases and shards agree.

use std::collections::BTreeSet;

use super::{FrozenStart, Lineage, coverage, graph::Node};
use crate::{
    lease::{Checkpoint, Delete, Lease, LeaseKey},
    store::codec::BadRow,
    stream::{HashRange, Shard, ShardId},
};

/// What [`reconcile`] found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Changes {
    /// Leases to put if absent, **in this order**: descendants before their ancestors. A planner
    /// that stops half way then leaves no ancestor with a row whose descendants lack theirs, which
    /// the next one would take for children that came later.
    pub create: Vec<Lease>,
    /// Rows nothing depends on any more: the shard has ended and is forgotten.
    pub delete: Vec<Delete>,
    /// Unfinished leases whose shard the stream no longer lists and whose parents are all done.
    /// Give each to a worker like a runnable one: its reader finds the shard gone, and its owner
    /// ends it loudly, putting those of its children that are still listed.
    pub orphaned: Vec<LeaseKey>,
    /// Leases of former lives of the stream, to be retired: their records are gone.
    pub stale: Vec<Delete>,
    /// Hash keys that nothing reads or will read, with everything in `create` made. One seen once
    /// may be a list that lags; one seen twice is loud news.
    pub holes: Vec<HashRange>,
    /// What makes no sense.
    pub problems: Vec<Problem>,
}

impl Changes {
    /// Whether the shards that were listed are of an earlier life of the stream than rows.
    pub(crate) fn is_of_former_life(&self) -> bool {
        self.problems.iter().any(|problem| matches!(problem, Problem::LaterLife { .. }))
    }
}

/// What makes no sense in what a stream lists, or beside the rows.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Problem {
    /// The stream lists no shard, which no stream does. Nothing is changed.
    #[error("the stream lists no shards; leases are left as they are")]
    NothingListed,
    /// There are rows of a later life of the stream than the one listed. Nothing is changed.
    #[error("lease {key} is of a later life of its stream than the shards that were listed")]
    LaterLife {
        /// Such a row.
        key: LeaseKey,
    },
    /// The row says that the shard has ended, the stream says that it takes records.
    #[error(
        "lease {key} has ended but its shard is open: records put to it are not read. Stop all \
         workers, and `kcl leases reset --lease {key} --to trim-horizon` reads the shard again \
         from its start"
    )]
    EndedWhileOpen {
        /// The row.
        key: LeaseKey,
    },
    /// A lease row cannot be read. [`reconcile`] never says so: it is given rows that can.
    #[error(
        "{0}. Its shard is not read and not given another row until this one is mended in the \
         store. If it cannot be, delete it there: the shard is then read again from its start"
    )]
    Unreadable(BadRow),
}

/// Compares the shards a stream lists with the lease rows. The list must be complete and must have
/// been asked for *after* the rows were read: then whatever a row speaks of either is listed or is
/// forgotten by the stream.
///
/// `start` is where reading of the stream began. What gets a lease:
///
/// - A listed shard with an ancestor that has a row is left to the end of its parent, which puts it
///   at `TrimHorizon`. If a parent has ended and the row is missing all the same (the owner died in
///   between), it is put here. A child's first record always came after reading began: a shard that
///   was there at the beginning had a row before any of its ancestors had one.
/// - A listed shard nothing leads to is a beginning, or the other parent of a merge, or a row that
///   was lost. From `TrimHorizon`, only the oldest get a lease (no parent is listed); the rest
///   follows as these end, from their first record too. From a time, **every** such shard gets a
///   lease at that time, closed ones too. Nobody tells when a shard was closed, so any may hold
///   records from after that time; one that does not drains at once. And its children must not come
///   from its end, at `TrimHorizon`: they may have been open long before that time (a stream lists
///   closed shards until their last record expires, days later), and all their old records would be
///   delivered.
///
/// Applied again and again this heals every hole that a listed shard can fill.
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

/// Whether a shard nothing leads to gets a lease of its own, and not from its parent's end.
fn begins(lineage: &Lineage<'_>, shard: &Shard, start: FrozenStart) -> bool {
    match start {
        FrozenStart::AtTimestamp(_) => true,
        FrozenStart::TrimHorizon => shard.parents.iter().all(|p| lineage.shard(p).is_none()),
    }
}

fn lease_of(lineage: &Lineage<'_>, shard: &Shard, start: Checkpoint) -> Lease {
    Lease::new(LeaseKey::of_shard(lineage.stream(), &shard.id), start)
        .of_shard(shard.parents.clone(), shard.range)
}

/// The rows that may go: ended, the shard no longer listed, and each child has a row or is no
/// longer listed itself. While the shard is listed, its row is what tells that it was read.
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

fn ended_while_open(lineage: &Lineage<'_>) -> Vec<Problem> {
    let open = lineage.nodes().iter().filter(|node| node.shard.is_some_and(|shard| !shard.closed));
    let ended = open.filter_map(|node| node.row.filter(|row| row.has_ended()));
    ended.map(|row| Problem::EndedWhileOpen { key: row.key.clone() }).collect()
}

/// Whether a child that has no row gets one, once a parent's row has ended.
fn children_of_the_ended_are_made() -> bool {
    !planted!(MissingChildLeft)
}

/// Whether a shard that nothing leads to gets a row although there are others.
fn later_beginnings_are_made() -> bool {
    !planted!(MissingBeginningLeft)
}

fn is_unlisted(node: &Node<'_>) -> bool {
    node.shard.is_none() || planted!(EndedRowDeletedEarly)
}
