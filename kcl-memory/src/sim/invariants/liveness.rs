//! Liveness: some time after the last fault every lease is owned, run and read, the load is
//! balanced, and nothing moves any more.
//!
//! All of these check a [`Settled`] picture, which the world takes of the calm fleet: at the time
//! the protocol promises (`Fact::Due`, only [`EverythingRun`]), and at the end of the run
//! (`Fact::Settled`). A run with an abrupt end is not checked.

use kcl_core::lease::Lease;

use crate::sim::{
    fact::{Fact, Settled},
    invariant::Invariant,
    known::Known,
    stream::ShardNo,
};

/// Every lease that can be read has an owner, and that owner runs it under the row's epoch: at the
/// latest at the time that PROTOCOL §8 promises, and still at the end.
///
/// Broken by a needed shard whose row has not ended, whose parents ended long enough ago, and that
/// its owner does not run under that epoch. Not checked if no worker is left.
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

/// At the end every record of every needed shard is processed. The readers of an open shard may be
/// `slack` records behind, the delay of a healthy reader.
///
/// Broken by a shard that is read less far, also if it has no lease at all. Not checked if no
/// worker is left.
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

/// At the end the numbers of unended leases of any two workers that stay differ by at most one.
///
/// Not checked where something else decides who reads what: weights, placement rules, marks, or a
/// frozen fleet (`Settled::even`).
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

/// At the end of a run with weighted balancing, the most loaded worker has no more load than a plan
/// by the true loads would leave it, plus a tolerance (`World::load`).
///
/// Broken by a `Settled` fact whose first number of `load` exceeds the second.
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

/// Once the fleet had time to settle, no lease changes its owner.
///
/// Broken if the last change of an owner came after `Settled::rest_since`.
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
    /// Whether any worker is up and was not asked to leave.
    fn has_members(&self) -> bool {
        self.running.values().any(|worker| worker.stays)
    }
}
