//! Holders: of an epoch, one process.

use std::collections::BTreeMap;

use kcl_core::lease::{Epoch, WorkerId};
#[cfg(feature = "simulation")]
use kcl_core::stream::ShardId;

use crate::sim::{fact::Fact, invariant::Invariant, known::Known, stream::ShardNo};

/// No two processes hold a shard under one epoch, whether they are given records or not.
#[cfg(feature = "simulation")]
#[derive(Debug, Default)]
pub(super) struct OneHolderPerEpoch {
    holders: BTreeMap<(ShardId, Epoch), String>,
}

#[cfg(feature = "simulation")]
impl Invariant for OneHolderPerEpoch {
    fn name(&self) -> &'static str {
        "one holder per epoch"
    }

    fn check(&mut self, fact: &Fact<'_>, _: &Known) -> Result<(), String> {
        let Fact::Holds { worker, shard, epoch } = *fact else { return Ok(()) };
        match self.holders.insert((shard.clone(), epoch), worker.to_owned()) {
            Some(former) if former != worker => {
                Err(format!("{former} and {worker} hold {shard} under one epoch"))
            }
            _ => Ok(()),
        }
    }
}

/// All records that are delivered under one epoch of a shard's lease are delivered by one process:
/// a worker that starts again under its old name is another one.
#[derive(Debug, Default)]
pub(super) struct OneProcessPerEpoch {
    holders: BTreeMap<(ShardNo, Epoch), (WorkerId, usize)>,
}

impl Invariant for OneProcessPerEpoch {
    fn name(&self) -> &'static str {
        "one process per epoch"
    }

    fn check(&mut self, fact: &Fact<'_>, _: &Known) -> Result<(), String> {
        let Fact::Given(given) = fact else { return Ok(()) };
        let key = (given.shard, given.epoch);
        let holder = self.holders.entry(key).or_insert_with(|| (given.worker.clone(), given.life));
        if (&holder.0, holder.1) == (given.worker, given.life) {
            return Ok(());
        }
        let (shard, epoch, (first, life)) = (given.name, given.epoch, &holder);
        let (worker, other) = (given.worker, given.life);
        Err(format!("{shard}: {worker} ({other}) shares epoch {epoch} with {first} ({life})"))
    }
}
