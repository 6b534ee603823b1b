//! What the operator says of single workers and leases: who is drained gets nothing, what is paused
//! nobody reads.

use crate::sim::{
    fact::{Fact, Settled},
    invariant::Invariant,
    known::Known,
    stream::ShardNo,
};

/// A worker that is drained takes no lease once that is known, and in the end holds none.
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

/// A lease that is paused is taken by nobody once that is known, and in the end is run by nobody.
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

fn taken_although(fact: &Fact<'_>, reason: &str) -> Result<(), String> {
    match fact {
        Fact::Lease { after: Some(row), barred: Some(why), .. } if *why == reason => {
            Err(format!("{} was taken by {:?} although {why}", row.key, row.owner))
        }
        _ => Ok(()),
    }
}

impl Settled {
    fn paused_and_run(&self) -> Option<String> {
        self.running.iter().find_map(|(id, worker)| {
            let shards = worker.runs.keys().filter_map(|no| self.shards.get(*no));
            let paused = shards.into_iter().find(|shard| shard.paused)?;
            Some(format!("{id} runs {}, which is paused", paused.key))
        })
    }
}
