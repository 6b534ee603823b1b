//! Deletions: only of what is past.

use crate::sim::{fact::Fact, invariant::Invariant, known::Known};

/// A lease row is deleted only when its shard has ended and the stream lists it no longer, or when
/// its stream is gone.
#[derive(Debug)]
pub(super) struct OnlyWhatIsPast;

impl Invariant for OnlyWhatIsPast {
    fn name(&self) -> &'static str {
        "only what is past is deleted"
    }

    fn check(&mut self, fact: &Fact<'_>, _: &Known) -> Result<(), String> {
        let Fact::Deleted { row, unfinished: false, listed } = fact else { return Ok(()) };
        if !row.has_ended() {
            return Err(format!("{} was deleted at {}", row.key, row.checkpoint));
        }
        if *listed {
            return Err(format!("{} was deleted and its shard is listed", row.key));
        }
        Ok(())
    }
}
