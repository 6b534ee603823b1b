//! Ends that are told: only of shards that have ended, and written only when acknowledged.

use std::collections::BTreeSet;

use kcl_core::stream::ShardId;

use crate::sim::{fact::Fact, invariant::Invariant, known::Known};

/// A processor is told only of a shard that takes no more records that it has ended.
#[derive(Debug)]
pub(super) struct EndsAreTrue;

impl Invariant for EndsAreTrue {
    fn name(&self) -> &'static str {
        "ends are true"
    }

    fn check(&mut self, fact: &Fact<'_>, _: &Known) -> Result<(), String> {
        match fact {
            Fact::EndAcknowledged { shard, open: true } => {
                Err(format!("{shard} is told to have ended, but goes on"))
            }
            _ => Ok(()),
        }
    }
}

/// The end of a shard is written only after a processor has acknowledged it.
#[derive(Debug, Default)]
pub(super) struct EndsAreAcknowledged {
    acknowledged: BTreeSet<ShardId>,
}

impl Invariant for EndsAreAcknowledged {
    fn name(&self) -> &'static str {
        "ends are acknowledged"
    }

    fn check(&mut self, fact: &Fact<'_>, _: &Known) -> Result<(), String> {
        match fact {
            Fact::EndAcknowledged { shard, .. } => {
                self.acknowledged.insert((*shard).clone());
            }
            Fact::EndSeen { shard } if !self.acknowledged.contains(*shard) => {
                return Err(format!(
                    "{shard} has ended in the store, but nobody acknowledged that"
                ));
            }
            _ => {}
        }
        Ok(())
    }
}
