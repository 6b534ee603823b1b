//! The operator's marks: a drained worker gets no leases, and no worker reads a paused lease.
//!
//! Both invariants allow the planners time to read a new mark: the world sets `barred` only when
//! each of them must know it.

use crate::sim::{
    fact::{Fact, Settled},
    invariant::Invariant,
    known::Known,
    stream::ShardNo,
};

/// A drained worker takes no lease of a shard, and at the end of a run it runs none that has not
/// ended.
///
/// Broken by a `Lease` fact that is `barred` because of the drain, and by a `Settled` fact in which
/// a drained worker runs such a lease.
#[derive(Debug)]
pub(super) struct DrainedKeepNothing;

impl Invariant for DrainedKeepNothing {
    fn name(&self) -> &'static str {
        "a drained worker keeps nothing"
    }

    fn check(&mut self, fact: &Fact<'_>, _: &Known) -> Result<(), String> {
        taken_although(fact, "the worker is drained")?;
        let Fact::Settled(settled) = fact else { return Ok(()) };
        let mut workers = settled.running.iter().filter(|(_, worker)| worker.drained);
        // A run whose shard has ended is over, whenever it is cleared away.
        let is_open = |no: &&ShardNo| {
            let row = settled.shards.get(**no).and_then(|shard| settled.leases.get(&shard.key));
            row.is_some_and(|row| !row.has_ended())
        };
        let mut held = workers.find_map(|(id, worker)| {
            let no = worker.runs.keys().find(is_open)?;
            Some(format!("{id} is drained and runs {}", settled.shards[*no].key))
        });
        held.take().map_or(Ok(()), Err)
    }
}

/// No worker takes a paused lease, and at the end of a run no worker runs one.
///
/// Broken by a `Lease` fact that is `barred` because of the pause, and by a `Settled` fact in which
/// a worker runs a paused shard.
#[derive(Debug)]
pub(super) struct PausedIsReadByNobody;

impl Invariant for PausedIsReadByNobody {
    fn name(&self) -> &'static str {
        "a paused lease is read by nobody"
    }

    fn check(&mut self, fact: &Fact<'_>, _: &Known) -> Result<(), String> {
        taken_although(fact, "it is paused")?;
        let Fact::Settled(settled) = fact else { return Ok(()) };
        match settled.paused_and_run() {
            Some(what) => Err(what),
            None => Ok(()),
        }
    }
}

/// The error if a lease was taken although `reason` forbids it. The reasons are the texts that
/// `World::barred` returns.
fn taken_although(fact: &Fact<'_>, reason: &str) -> Result<(), String> {
    match fact {
        Fact::Lease { after: Some(row), barred: Some(why), .. } if *why == reason => {
            Err(format!("{} was taken by {:?} although {why}", row.key, row.owner))
        }
        _ => Ok(()),
    }
}

impl Settled {
    /// The first worker that runs a paused shard, as a message.
    fn paused_and_run(&self) -> Option<String> {
        self.running.iter().find_map(|(id, worker)| {
            let shards = worker.runs.keys().filter_map(|no| self.shards.get(*no));
            let paused = shards.into_iter().find(|shard| shard.paused)?;
            Some(format!("{id} runs {}, which is paused", paused.key))
        })
    }
}
