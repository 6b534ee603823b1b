//! Holders: only one process holds a lease under one epoch.
//!
//! Two invariants say so, from different evidence: the processors that workers make (whole
//! workers), and the deliveries that a test saw (real processes).

use std::collections::BTreeMap;

use kcl_core::lease::{Epoch, WorkerId};
#[cfg(feature = "simulation")]
use kcl_core::stream::ShardId;

use crate::sim::{fact::Fact, invariant::Invariant, known::Known, stream::ShardNo};

/// No two processes hold a shard under one epoch, even if one of them gets no records.
///
/// Broken by a `Holds` fact of a second process for the same shard and epoch.
#[cfg(feature = "simulation")]
#[derive(Debug, Default)]
pub(super) struct OneHolderPerEpoch {
    /// The first process that held each shard under each epoch.
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

/// All records that are delivered under one epoch of a lease are delivered to one process. A worker
/// that starts again under its old id is another process.
///
/// Broken by a `Given` fact of a second process for the same shard and epoch.
#[derive(Debug, Default)]
pub(super) struct OneProcessPerEpoch {
    /// The first process that was given records under each epoch: its worker id, and which life of
    /// it.
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
