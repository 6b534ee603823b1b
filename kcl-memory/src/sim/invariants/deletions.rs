//! Deletions: the fleet deletes a lease row only when nobody needs it any more.

use crate::sim::{fact::Fact, invariant::Invariant, known::Known};

/// The fleet deletes a lease row only when its shard has ended and the stream no longer lists it.
///
/// Broken by a `Deleted` fact whose row has not ended, or whose shard is still listed. A deletion
/// that is meant for rows that have not ended (`unfinished`: those of a stream that was deleted) is
/// not checked.
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
