//! The checks for missing records before an answer is delivered: see [`crate::decode::Doubt`].

use std::time::Duration;

use kcl_core::stream::{ReadEvent, SequenceNumber, SourceErrorKind, SourceResult};

use super::{Call, reader::PollingReader};
use crate::{
    decode::{Doubt, doubt, is_before, lost, safe_age},
    service::{Failure, IteratorAt},
};

impl PollingReader {
    /// Checks if records are missing before the answer in `held`, and returns the loss. Returns it
    /// once only.
    pub(super) async fn gap(&mut self) -> SourceResult<Option<ReadEvent>> {
        let Some(answer) = self.held.as_ref().filter(|answer| !answer.proven) else {
            return Ok(None);
        };
        let first = answer.first.clone();
        let is_gone = match doubt(answer, &self.cursor, self.was_caught_up()) {
            Doubt::Settled => false,
            Doubt::Oldest(sought) => self.is_before_oldest(&sought).await?,
            Doubt::LastPassed => self.is_last_trimmed().await?,
            Doubt::NothingFollows(sought) => {
                tracing::info!(shard = %self.calls.shard, %sought, "kcl.position.gone");
                false
            }
            Doubt::Open => return Ok(None),
        };
        self.cursor.settle();
        if let Some(answer) = &mut self.held {
            answer.settle();
        }
        Ok(is_gone.then(|| lost(&self.cursor, first)))
    }

    /// Handles the refusal of an iterator at `number`: a loss if that record was trimmed,
    /// otherwise the error.
    pub(super) async fn refused(
        &mut self,
        number: &SequenceNumber,
        failure: Failure,
    ) -> SourceResult<ReadEvent> {
        let oldest = self.calls.first_of(IteratorAt::TrimHorizon).await?;
        if !is_before(number, oldest.as_ref()) {
            return Err(self.calls.explain(Call::Iterator, failure).await);
        }
        let lost = lost(&self.cursor, oldest);
        self.cursor.go_to_horizon();
        Ok(lost)
    }

    /// True if this reader had passed all records so recently that later ones cannot have been
    /// trimmed.
    fn was_caught_up(&self) -> bool {
        let now = self.calls.now();
        self.cursor.caught_up().is_some_and(|at| now.since(at) < self.safe_age())
    }

    /// The age up to which a record is certainly still there, by the stream's retention.
    fn safe_age(&self) -> Duration {
        safe_age(self.calls.stream.retention())
    }

    /// Returns true if the last record passed has been trimmed. Sends no call while that record is
    /// too young to be trimmed.
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

    /// Returns true if the oldest remaining record is after `number`, or there is none.
    async fn is_before_oldest(&self, number: &SequenceNumber) -> SourceResult<bool> {
        let oldest = self.calls.first_of(IteratorAt::TrimHorizon).await?;
        Ok(is_before(number, oldest.as_ref()))
    }
}
