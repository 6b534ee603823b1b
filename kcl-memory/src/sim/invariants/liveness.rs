//! Liveness: after the last fault everything is owned, run and balanced, and rests.

use super::{Done, Fact, Invariant};

/// After the last fault every lease that can be read is, by a worker that holds it, up to the tip;
/// and no part of the stream is left out.
#[derive(Debug)]
pub(super) struct EverythingRead;

impl Invariant for EverythingRead {
    fn name(&self) -> &'static str {
        "everything is read"
    }

    fn check(&mut self, fact: &Fact<'_>, done: &Done) -> Result<(), String> {
        let Fact::Settled(settled) = fact else { return Ok(()) };
        if settled.running.is_empty() {
            return Ok(());
        }
        for (shard, (count, open)) in &settled.shards {
            let done = done.get(shard).copied().unwrap_or(0);
            let slack = if *open { settled.slack } else { 0 };
            if done.saturating_add(slack) < *count {
                return Err(format!("{shard} is read to {done} of {count}"));
            }
        }
        for row in settled.leases.values().filter(|row| !row.has_ended() && !row.key.is_role()) {
            let Some(shard) = row.key.shard() else { continue };
            let runs = row.owner.as_ref().and_then(|owner| settled.running.get(&owner.worker));
            let epoch = runs.and_then(|runs| runs.get(&shard)).map(|(epoch, _)| *epoch);
            if epoch != Some(row.epoch) {
                return Err(format!("{} is held by {:?} and not run", row.key, row.owner));
            }
        }
        Ok(())
    }
}

/// After the last fault the leases are spread evenly.
#[derive(Debug)]
pub(super) struct Balanced;

impl Invariant for Balanced {
    fn name(&self) -> &'static str {
        "balanced"
    }

    fn check(&mut self, fact: &Fact<'_>, _: &Done) -> Result<(), String> {
        let Fact::Settled(settled) = fact else { return Ok(()) };
        let counts: Vec<usize> =
            settled.running.values().map(std::collections::BTreeMap::len).collect();
        let (most, least) = (counts.iter().max(), counts.iter().min());
        if let (Some(most), Some(least)) = (most, least)
            && most - least > 1
        {
            return Err(format!("leases per worker: {counts:?}"));
        }
        Ok(())
    }
}

/// When nothing happens, nothing moves.
#[derive(Debug)]
pub(super) struct AtRest;

impl Invariant for AtRest {
    fn name(&self) -> &'static str {
        "at rest"
    }

    fn check(&mut self, fact: &Fact<'_>, _: &Done) -> Result<(), String> {
        let Fact::Settled(settled) = fact else { return Ok(()) };
        if settled.last_change <= settled.quiet_since {
            return Ok(());
        }
        Err(format!("a lease changed hands at {}", settled.last_change))
    }
}
