//! Who held and ran which shard when: what the pictures of a run are drawn from.

use std::{collections::BTreeMap, time::Duration};

use kcl_core::{
    env::Time,
    lease::{Epoch, Lease, WorkerId},
    stream::ShardId,
};

use super::stream::ShardNo;

/// Who held and ran which shard when.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Timeline {
    /// When a lease row named which worker.
    pub held: Vec<Span>,
    /// When which worker read a shard, whatever the row said.
    pub run: Vec<Span>,
    /// What was done to the fleet, and had an effect.
    pub faults: Vec<Happened>,
    /// The shards that ever had a lease, by their number in the run.
    pub shards: BTreeMap<usize, ShardLife>,
    /// The time at which the recording ends.
    pub over: Time,
    /// Places in `held` of what is held now.
    holding: BTreeMap<ShardNo, usize>,
    /// Places in `run` of what is read now, by process.
    running: BTreeMap<(usize, ShardNo), usize>,
}

/// A stretch of time in which a worker held or read a shard.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Span {
    /// The shard, by its number in the run: a stream made again has shards of the same names.
    pub shard: usize,
    /// Who.
    pub worker: WorkerId,
    /// Under which epoch.
    pub epoch: Epoch,
    /// From when on.
    pub from: Time,
    /// Until when.
    pub to: Time,
}

/// The life of a shard's lease.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ShardLife {
    /// The shard's name.
    pub name: Option<ShardId>,
    /// The shards it came from, where its lease row says so.
    pub parents: Vec<ShardId>,
    /// When it got a lease.
    pub from: Time,
    /// When it was read to its end, or its lease deleted.
    pub ended: Option<Time>,
}

/// Something done to the fleet.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Happened {
    /// When it began.
    pub at: Time,
    /// How long it lasted.
    pub lasts: Duration,
    /// What, as scripts write it.
    pub what: String,
    /// The one worker that it hit: a script says only a number.
    pub whom: Option<WorkerId>,
}

impl Timeline {
    /// A lease row is like this from now on.
    pub(super) fn row(&mut self, shard: ShardNo, row: Option<&Lease>, now: Time) {
        if let Some(row) = row {
            let parents = row.parents.clone();
            let life = ShardLife { name: row.key.shard(), parents, from: now, ended: None };
            let life = self.shards.entry(shard).or_insert(life);
            // A store that went back may bring it to life again.
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

    /// A process reads.
    pub(super) fn reads(&mut self, host: usize, span: Span) {
        let since = self.running.get(&(host, span.shard)).and_then(|at| self.run.get(*at));
        if since.is_none_or(|since| since.epoch != span.epoch) {
            self.stopped(host, span.shard, span.from);
            self.running.insert((host, span.shard), self.run.len());
            self.run.push(span);
        }
    }

    /// A process reads no longer.
    pub(super) fn stopped(&mut self, host: usize, shard: ShardNo, now: Time) {
        if let Some(span) = self.running.remove(&(host, shard)).and_then(|at| self.run.get_mut(at))
        {
            span.to = now;
        }
    }

    /// The recording as it is when the run is over.
    pub(super) fn closed(mut self, now: Time) -> Self {
        for span in self.held.iter_mut().chain(&mut self.run) {
            span.to = span.to.min(now);
        }
        self.over = now;
        self
    }
}
