//! Whether records were lost to retention before they could be read.
//!
//! Kinesis trims records when they are older than the stream's retention, and says nothing about
//! it: an iterator at a record that is gone begins at the oldest one that is left. What can be
//! known is known from the record *before* the gap. Records are trimmed in order, so as long as the
//! last record that was passed is still there, nothing after it is gone. Three cases:
//!
//! - **A new iterator** (at the start, or when one has expired) is asked for *at* the last record
//!   passed. If the first answer begins with that record, nothing is gone. If it begins with a
//!   later one, the record may be gone; or there never was such a record, because a checkpoint was
//!   written by hand; or the service did not answer as it should. The oldest record left decides:
//!   if it is later, too, then everything between was trimmed, and [`ReadEvent::Lost`] says so.
//! - **A live iterator**, when the last record passed is nearly as old as the retention: before the
//!   answer is delivered, that record is read once more, and if it does not come, the oldest one.
//!   Younger ones need no proof, so a reader that keeps up never pays for it.
//! - **A refused position** (invalid argument): if the oldest record left is later, or none is
//!   left, the position is gone and reading goes on there. If it is earlier, the position never
//!   belonged to this shard, and the refusal is the error.
//!
//! Numbers alone prove nothing: they have gaps, and those at which shards begin and end are of no
//! record. An answer without records proves nothing, unless it says that none is left.
//!
//! What cannot be known: whether anything followed a trimmed checkpoint in a shard that is now
//! *empty* and still open. One that has been idle for longer than the retention looks just like
//! that after every restart, so no loss is reported then; only whoever knows for how long nobody
//! read the shard can tell. In the first case, too, a record may have been trimmed that had no
//! successor: what is reported is a gap that cannot be ruled out. An empty shard that has *ended*
//! is reported: it was not read to its end while its records were there.

use std::time::Duration;

use kcl_core::stream::{ReadEvent, SequenceNumber, SourceErrorKind, SourceResult};

use super::{Call, reader::PollingReader};
use crate::service::{Failure, IteratorAt};

impl PollingReader {
    /// What is missing before the answer that is held. Says it once.
    pub(super) async fn gap(&mut self) -> SourceResult<Option<ReadEvent>> {
        let Some(answer) = self.held.as_ref().filter(|answer| !answer.proven) else {
            return Ok(None);
        };
        let first = answer.first.clone();
        let is_last = answer.is_end();
        let is_gone = match (&first, self.cursor.sought()) {
            _ if self.was_caught_up() => false,
            (Some(first), Some(sought)) if first <= sought => false,
            (Some(_), Some(sought)) => self.is_before_oldest(sought).await?,
            (None, Some(sought)) if is_last => self.is_before_oldest(sought).await?,
            (Some(_), None) => self.is_last_trimmed().await?,
            (None, None) if is_last => self.is_last_trimmed().await?,
            (None, Some(sought)) if answer.at_tip => {
                let shard = &self.calls.shard;
                tracing::info!(%shard, %sought, "kcl.position.gone");
                false
            }
            (None, _) => return Ok(None),
        };
        self.cursor.settle();
        if let Some(answer) = &mut self.held {
            answer.proven = true;
        }
        Ok(is_gone.then(|| self.lost(first)))
    }

    /// The service refuses an iterator at `number`.
    pub(super) async fn refused(
        &mut self,
        number: &SequenceNumber,
        failure: Failure,
    ) -> SourceResult<ReadEvent> {
        let oldest = self.calls.first_of(IteratorAt::TrimHorizon).await?;
        if oldest.as_ref().is_some_and(|oldest| oldest <= number) {
            return Err(self.calls.explain(Call::Iterator, failure).await);
        }
        let lost = self.lost(oldest);
        self.cursor.go_to_horizon();
        Ok(lost)
    }

    /// Whether this reader had everything there was so recently that no record which came later can
    /// have been trimmed.
    fn was_caught_up(&self) -> bool {
        let now = self.calls.now();
        self.cursor.caught_up().is_some_and(|at| now.since(at) < self.safe_age())
    }

    /// The age up to which a record is certainly still there. Arrival times are the stream's, ages
    /// are by our own clock: allow for an hour in a day.
    fn safe_age(&self) -> Duration {
        let retention = self.calls.stream.retention();
        retention - retention / 24
    }

    /// Whether the last record passed was trimmed since. Not asked while it is too young for that.
    async fn is_last_trimmed(&self) -> SourceResult<bool> {
        let Some(passed) = self.cursor.passed() else { return Ok(false) };
        let now = self.calls.stream.env.clock.wall();
        if passed.arrival.is_none_or(|arrival| now.since(arrival) < self.safe_age()) {
            return Ok(false);
        }
        let number = &passed.position.sequence;
        match self.calls.first_of(IteratorAt::Record(number.clone())).await {
            Ok(first) if first.as_ref() == Some(number) => Ok(false),
            Err(error)
                if error.kind != SourceErrorKind::Misconfigured
                    || error.op != Call::Iterator.name() =>
            {
                Err(error)
            }
            _ => self.is_before_oldest(number).await,
        }
    }

    /// Whether everything up to `number` was trimmed: the oldest record left is later, or none is.
    async fn is_before_oldest(&self, number: &SequenceNumber) -> SourceResult<bool> {
        let oldest = self.calls.first_of(IteratorAt::TrimHorizon).await?;
        Ok(oldest.is_none_or(|oldest| oldest > *number))
    }

    fn lost(&self, to: Option<SequenceNumber>) -> ReadEvent {
        let from = self.cursor.passed().map(|passed| passed.position.clone());
        ReadEvent::Lost { from, to: to.map(Into::into) }
    }
}
