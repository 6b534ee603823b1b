//! Readers: a live worker closes the readers that it opened.

use crate::sim::{fact::Fact, invariant::Invariant, known::Known};

/// A worker closes each reader before it drops it: an open reader may hold a subscription or a
/// connection of the stream.
///
/// Broken by a `ReaderLeftOpen` fact; a process that dies raises none.
#[derive(Debug)]
pub(super) struct ReadersAreClosed;

impl Invariant for ReadersAreClosed {
    fn name(&self) -> &'static str {
        "readers are closed"
    }

    fn check(&mut self, fact: &Fact<'_>, _: &Known) -> Result<(), String> {
        match fact {
            Fact::ReaderLeftOpen { worker, shard } => {
                Err(format!("{worker} dropped a reader of {shard} and did not close it"))
            }
            _ => Ok(()),
        }
    }
}
