//! Order: records of a shard as they were put.

use std::collections::BTreeMap;

use kcl_core::{lease::Epoch, stream::ShardId};

use super::{Done, Fact, Invariant};

/// Within one shard and epoch records come in order: what was not processed comes again first, and
/// what was processed does not come again.
#[derive(Debug, Default)]
pub(super) struct InOrder {
    at: BTreeMap<(ShardId, Epoch), (u64, u64)>,
}

impl Invariant for InOrder {
    fn name(&self) -> &'static str {
        "records come in order"
    }

    fn check(&mut self, fact: &Fact<'_>, _: &Done) -> Result<(), String> {
        match fact {
            Fact::Dispatched(dispatch) => {
                let key = (dispatch.shard.clone(), dispatch.epoch);
                if let Some((processed, _)) = self.at.get(&key)
                    && dispatch.after != *processed
                {
                    let (shard, after) = (dispatch.shard, dispatch.after);
                    return Err(format!("{shard}: after {after} although {processed} was last"));
                }
                self.at.insert(key, (dispatch.after, dispatch.to));
            }
            Fact::Processed { shard, after, to } => {
                for ((of, _), (processed, dispatched)) in &mut self.at {
                    if of == *shard && *processed == *after && *dispatched == *to {
                        *processed = *to;
                    }
                }
            }
            _ => {}
        }
        Ok(())
    }
}
