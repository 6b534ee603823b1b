//! Order: records of a shard as they were put.

use std::collections::BTreeMap;

use kcl_core::lease::Epoch;

#[cfg(feature = "simulation")]
use crate::sim::fact::Batch;
use crate::sim::{fact::Fact, invariant::Invariant, known::Known, stream::ShardNo};

/// The name of [`InOrder`].
pub(in crate::sim) const NAME: &str = "records come in order";

/// Within one shard and epoch records come in order: what was not processed comes again first, and
/// what was processed does not come again.
#[derive(Debug, Default)]
pub(super) struct InOrder {
    /// The last record processed, by shard and epoch.
    at: BTreeMap<(ShardNo, Epoch), u64>,
}

impl Invariant for InOrder {
    fn name(&self) -> &'static str {
        NAME
    }

    fn check(&mut self, fact: &Fact<'_>, _: &Known) -> Result<(), String> {
        match fact {
            // It may be given an epoch again that the store has lost.
            Fact::Lease { after: Some(row), shard: Some(no), newcomer: true, .. } => {
                self.at.remove(&(*no, row.epoch));
            }
            Fact::Dispatched(dispatch) => {
                let key = (dispatch.shard, dispatch.epoch);
                let processed = *self.at.entry(key).or_insert(dispatch.after);
                if dispatch.after != processed {
                    let (shard, after) = (dispatch.name, dispatch.after);
                    return Err(format!("{shard}: after {after} although {processed} was last"));
                }
            }
            #[cfg(feature = "simulation")]
            Fact::Batch(batch) => return follows(batch),
            Fact::Processed { shard, epoch, to, .. } | Fact::Lost { shard, epoch, to } => {
                self.at.insert((*shard, *epoch), *to);
            }
            _ => {}
        }
        Ok(())
    }
}

/// A batch has no holes, and begins with the record that is next.
#[cfg(feature = "simulation")]
fn follows(batch: &Batch<'_>) -> Result<(), String> {
    let Batch { worker, records, first, .. } = batch;
    match &batch.next {
        _ if batch.holes => Err(format!("{worker} is given {records} with holes between them")),
        Some(next) => Err(format!("{worker} is given {first} where {next} is next")),
        None => Ok(()),
    }
}
