//! Liveness: after the last fault everything is owned, run and balanced, and rests.

use kcl_core::lease::Lease;

use crate::sim::{
    fact::{Fact, Settled},
    invariant::Invariant,
    known::Known,
    stream::ShardNo,
};

/// As soon as the protocol promises, every lease that can be read is held by a worker that runs
/// it.
#[derive(Debug)]
pub(super) struct EverythingRun;

impl Invariant for EverythingRun {
    fn name(&self) -> &'static str {
        "everything is run"
    }

    fn check(&mut self, fact: &Fact<'_>, known: &Known) -> Result<(), String> {
        let (Fact::Due(settled) | Fact::Settled(settled)) = fact else { return Ok(()) };
        if !settled.has_members() {
            return Ok(());
        }
        for (no, shard) in settled.shards.iter().enumerate().filter(|(_, shard)| shard.needed) {
            let Some(row) = settled.leases.get(&shard.key).filter(|row| !row.has_ended()) else {
                continue;
            };
            let blocked = shard.parents.iter().any(|no| {
                let parent = settled.leases.get(&settled.shards[*no].key);
                let ended = parent.is_none_or(Lease::has_ended);
                !ended || known.ended(*no) > settled.runnable_since
            });
            let owner = row.owner.as_ref().and_then(|owner| settled.running.get(owner));
            let epoch = owner.and_then(|worker| worker.runs.get(&no)).map(|(epoch, _)| *epoch);
            if !blocked && epoch != Some(row.epoch) {
                return Err(format!("{} is held by {:?} and not run", row.key, row.owner));
            }
        }
        Ok(())
    }
}

/// In the end every record that is there has been processed, up to the tip; and no part of the
/// stream is left out.
#[derive(Debug)]
pub(super) struct EverythingRead;

impl Invariant for EverythingRead {
    fn name(&self) -> &'static str {
        "everything is read"
    }

    fn check(&mut self, fact: &Fact<'_>, known: &Known) -> Result<(), String> {
        let Fact::Settled(settled) = fact else { return Ok(()) };
        if !settled.has_members() {
            return Ok(());
        }
        for (no, shard) in settled.shards.iter().enumerate().filter(|(_, shard)| shard.needed) {
            let done = known.done(no);
            let slack = if shard.open { settled.slack } else { 0 };
            if done.saturating_add(slack) < shard.count {
                return Err(format!("{} is read to {done} of {}", shard.key, shard.count));
            }
        }
        Ok(())
    }
}

/// In the end the leases are spread evenly over the workers that stay.
#[derive(Debug)]
pub(super) struct Balanced;

impl Invariant for Balanced {
    fn name(&self) -> &'static str {
        "balanced"
    }

    fn check(&mut self, fact: &Fact<'_>, _: &Known) -> Result<(), String> {
        let Fact::Settled(settled) = fact else { return Ok(()) };
        if !settled.even {
            return Ok(());
        }
        let members = settled.running.values().filter(|worker| worker.stays);
        let is_read = |no: &&ShardNo| {
            let row = settled.leases.get(&settled.shards[**no].key);
            row.is_some_and(|row| !row.has_ended())
        };
        let counts: Vec<usize> =
            members.map(|worker| worker.runs.keys().filter(is_read).count()).collect();
        let (most, least) = (counts.iter().max(), counts.iter().min());
        if let (Some(most), Some(least)) = (most, least)
            && most - least > 1
        {
            return Err(format!("leases per worker: {counts:?}"));
        }
        Ok(())
    }
}

/// In the end, where leases are shared out by load, no worker is loaded much more than it would be
/// by a plan of the loads as they truly are.
#[derive(Debug)]
pub(super) struct SharedByLoad;

impl Invariant for SharedByLoad {
    fn name(&self) -> &'static str {
        "shared by load"
    }

    fn check(&mut self, fact: &Fact<'_>, _: &Known) -> Result<(), String> {
        let Fact::Settled(Settled { load: Some((most, allowed)), .. }) = fact else {
            return Ok(());
        };
        if most <= allowed {
            return Ok(());
        }
        Err(format!("a worker takes {most} bytes a second, {allowed} at most were right"))
    }
}

/// When nothing happens, nothing moves.
#[derive(Debug)]
pub(super) struct AtRest;

impl Invariant for AtRest {
    fn name(&self) -> &'static str {
        "at rest"
    }

    fn check(&mut self, fact: &Fact<'_>, known: &Known) -> Result<(), String> {
        let Fact::Settled(settled) = fact else { return Ok(()) };
        if known.last_change <= settled.rest_since {
            return Ok(());
        }
        let (change, rest) = (known.last_change, settled.rest_since);
        Err(format!("a lease changed hands at {change}, after {rest}"))
    }
}

impl Settled {
    fn has_members(&self) -> bool {
        self.running.values().any(|worker| worker.stays)
    }
}
