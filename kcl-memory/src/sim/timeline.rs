//! A recording of which worker held and read which shard at which time: pictures of a run are drawn
//! from it.
//!
//! The world reports each change of a row ([`Timeline::row`]) and of a modelled run
//! ([`Timeline::reads`], [`Timeline::stopped`]). Both are spans of time: a worker may hold a lease
//! without reading its shard, and read on after another worker took the lease.

use std::{collections::BTreeMap, time::Duration};

use kcl_core::{
    env::Time,
    lease::{Epoch, Lease, WorkerId},
    stream::ShardId,
};

use super::stream::ShardNo;

/// Which worker held and read which shard at which time.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Timeline {
    /// The spans in which a lease row named a worker as owner.
    pub held: Vec<Span>,
    /// The spans in which a worker read a shard, whatever the row said.
    pub run: Vec<Span>,
    /// The steps of the script that had an effect, in the order of time.
    pub faults: Vec<Happened>,
    /// The shards that ever had a lease, by their number in the run.
    pub shards: BTreeMap<usize, ShardLife>,
    /// The end of the recording.
    pub over: Time,
    /// For each shard that is held now, the index of its open span in `held`.
    holding: BTreeMap<ShardNo, usize>,
    /// For each process and shard that it reads now, the index of the open span in `run`.
    running: BTreeMap<(usize, ShardNo), usize>,
}

/// A span of time in which a worker held or read a shard.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Span {
    /// The number of the shard in the run. Numbers tell shards apart that have the same name, since
    /// a stream that is made again uses the names again.
    pub shard: usize,
    /// The worker.
    pub worker: WorkerId,
    /// The epoch of the lease.
    pub epoch: Epoch,
    /// The beginning.
    pub from: Time,
    /// The end. While the span goes on: [`Time::NEVER`].
    pub to: Time,
}

/// The life of a shard's lease.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ShardLife {
    /// The shard's name.
    pub name: Option<ShardId>,
    /// The parents that its lease row names.
    pub parents: Vec<ShardId>,
    /// When its lease row was created.
    pub from: Time,
    /// When a worker wrote its end, or its row was deleted; `None`: neither.
    pub ended: Option<Time>,
}

/// A step of the script that had an effect on the fleet.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Happened {
    /// When it began.
    pub at: Time,
    /// How long it lasted; zero for an event at one instant.
    pub lasts: Duration,
    /// The action, as scripts write it.
    pub what: String,
    /// The worker that it hit, if it hit a single one: a script names workers only by number.
    pub whom: Option<WorkerId>,
}

impl Timeline {
    /// Records a lease row as it is from now on; `None`: it is deleted.
    pub(super) fn row(&mut self, shard: ShardNo, row: Option<&Lease>, now: Time) {
        if let Some(row) = row {
            let parents = row.parents.clone();
            let life = ShardLife { name: row.key.shard(), parents, from: now, ended: None };
            let life = self.shards.entry(shard).or_insert(life);
            // The row is alive again if the store lost the write of its end.
            life.ended = row.has_ended().then(|| life.ended.unwrap_or(now));
        } else if let Some(life) = self.shards.get_mut(&shard) {
            life.ended = life.ended.or(Some(now));
        }
        let is = row.and_then(|row| row.owner.as_ref().map(|owner| (&owner.worker, row.epoch)));
        let was = self.holding.get(&shard).and_then(|at| self.held.get(*at));
        if was.map(|span| (&span.worker, span.epoch)) == is {
            return;
        }
        if let Some(span) = self.holding.remove(&shard).and_then(|at| self.held.get_mut(at)) {
            span.to = now;
        }
        if let Some((worker, epoch)) = is {
            self.holding.insert(shard, self.held.len());
            let worker = worker.clone();
            self.held.push(Span { shard, worker, epoch, from: now, to: Time::NEVER });
        }
    }

    /// Records that a process reads a shard from now on. No new span begins if it goes on under the
    /// same epoch.
    pub(super) fn reads(&mut self, host: usize, span: Span) {
        let since = self.running.get(&(host, span.shard)).and_then(|at| self.run.get(*at));
        if since.is_none_or(|since| since.epoch != span.epoch) {
            self.stopped(host, span.shard, span.from);
            self.running.insert((host, span.shard), self.run.len());
            self.run.push(span);
        }
    }

    /// Records that a process no longer reads a shard.
    pub(super) fn stopped(&mut self, host: usize, shard: ShardNo, now: Time) {
        if let Some(span) = self.running.remove(&(host, shard)).and_then(|at| self.run.get_mut(at))
        {
            span.to = now;
        }
    }

    /// Ends the recording and all open spans.
    pub(super) fn closed(mut self, now: Time) -> Self {
        for span in self.held.iter_mut().chain(&mut self.run) {
            span.to = span.to.min(now);
        }
        self.over = now;
        self
    }
}
