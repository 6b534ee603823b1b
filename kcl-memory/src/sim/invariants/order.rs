//! Order: processors get the records of a shard in the order in which they were put.

use std::collections::BTreeMap;

use kcl_core::lease::Epoch;

#[cfg(feature = "simulation")]
use crate::sim::fact::Batch;
use crate::sim::{fact::Fact, invariant::Invariant, known::Known, stream::ShardNo};

/// The name of [`InOrder`].
pub(in crate::sim) const NAME: &str = "records come in order";

/// Within one shard and epoch, each batch begins after the last record that was processed or lost:
/// a batch that failed comes again, and a batch that was processed does not.
///
/// Broken by a `Dispatched` fact whose `after` is another record. In a run of whole workers a
/// `Batch` breaks it that has `holes`, or that does not begin with the record that is `next`.
#[derive(Debug, Default)]
pub(super) struct InOrder {
    /// The last record that was processed or lost, by shard and epoch.
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

/// The check for batches of whole workers: the ledger has compared each with its own books.
#[cfg(feature = "simulation")]
fn follows(batch: &Batch<'_>) -> Result<(), String> {
    let Batch { worker, records, first, .. } = batch;
    match &batch.next {
        _ if batch.holes => Err(format!("{worker} is given {records} with holes between them")),
        Some(next) => Err(format!("{worker} is given {first} where {next} is next")),
        None => Ok(()),
    }
}
