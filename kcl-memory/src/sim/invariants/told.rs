//! Notifications of shard ends: a processor gets one only when its shard takes no more records, and
//! the end is stored only after the processor acknowledged it.

use std::collections::BTreeSet;

use kcl_core::stream::ShardId;

use crate::sim::{fact::Fact, invariant::Invariant, known::Known};

/// A processor is notified of the end of a shard only when the shard is closed.
///
/// Broken by an `EndAcknowledged` fact of a shard that is still `open`.
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

/// The end of a shard is stored only after a processor has acknowledged it.
///
/// Broken by an `EndSeen` fact of a shard without an earlier `EndAcknowledged`.
#[derive(Debug, Default)]
pub(super) struct EndsAreAcknowledged {
    /// Shards whose end a processor has acknowledged.
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
