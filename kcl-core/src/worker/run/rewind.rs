//! Keeps the retry state of a run over a rewind to the last checkpoint.
//!
//! A processor with checkpoints of its own may buffer records that it has not checkpointed. After a
//! panic the processor is created again, without that buffer, and its next checkpoint would pass
//! over the lost records for ever. The run therefore reads again from the last checkpoint.
//!
//! Two facts survive the rewind: the [`RetryState`] of the failing batch, so that it does not get
//! all its attempts again, and the skipped records, so that they are not delivered again. A new
//! read may cut the stream into other batches; [`Rewind::pieces`] restores the failing batch.

use std::collections::BTreeSet;

use super::retry::RetryState;
use crate::{
    processor::RecordBatch,
    stream::{Position, Record, StartAt},
};

/// The retry state of the records after the last checkpoint.
#[derive(Debug, Default)]
pub(super) struct Rewind {
    /// The batch whose failure caused the rewind, until it is delivered again.
    interrupted: Option<Interrupted>,
    /// The last record of the interrupted batch, once that is delivered again. Answers of the
    /// stream up to here are left out: their records were in that batch.
    passed: Option<Position>,
    /// Skipped records after the last checkpoint.
    skipped: BTreeSet<Position>,
}

/// The rest of a batch that failed with a loss of the processor's buffer.
#[derive(Debug)]
struct Interrupted {
    retry: RetryState,
    /// The first and the last record of the rest.
    from: Position,
    to: Position,
}

/// A part of an answer of the stream, to be delivered by itself.
#[derive(Debug)]
pub(super) enum Piece {
    /// Records without a retry state.
    New(RecordBatch),
    /// The rest of the interrupted batch, with its retry state.
    Interrupted(RetryState),
}

impl Rewind {
    /// Keeps the retry state of a batch that failed at `part` and causes a rewind.
    pub(super) fn interrupt(&mut self, retry: RetryState, part: &RecordBatch) {
        let to = retry.last_position().or_else(|| part.last_position()).cloned();
        let from = part.first().map(|record| record.position.clone());
        self.passed = None;
        self.interrupted = from.zip(to).map(|(from, to)| Interrupted { retry, from, to });
    }

    /// Keeps skipped records from being delivered again.
    pub(super) fn skip(&mut self, records: &RecordBatch) {
        self.skipped.extend(records.iter().map(|record| record.position.clone()));
    }

    /// Begins a new read at `at`. Forgets skipped records up to the checkpoint there.
    pub(super) fn start_over(&mut self, at: Option<&StartAt>) {
        self.passed = None;
        if let Some(StartAt::After(checkpoint)) = at {
            self.skipped.retain(|skipped| skipped > checkpoint);
        }
    }

    /// Cuts an answer of the stream into the pieces to deliver, in order. The interrupted batch
    /// comes whole as soon as an answer reaches its first record.
    pub(super) fn pieces(&mut self, all: RecordBatch) -> Vec<Piece> {
        let nothing = self.interrupted.is_none() && self.passed.is_none();
        if nothing && self.skipped.is_empty() {
            return vec![Piece::New(all)];
        }
        let mut pieces = Vec::new();
        let mut rest = self.unpassed(&all);
        let reached = |i: &mut Interrupted| rest.last_position().is_some_and(|at| *at >= i.from);
        if let Some(interrupted) = self.interrupted.take_if(reached) {
            let (before, at) = cut(&rest, |record| record.position < interrupted.from);
            self.push_unskipped(before, &mut pieces);
            pieces.push(Piece::Interrupted(interrupted.retry));
            self.passed = Some(interrupted.to);
            rest = self.unpassed(&at);
        }
        self.push_unskipped(rest, &mut pieces);
        pieces
    }

    /// The records after [`Self::passed`].
    ///
    /// [`Self::passed`]: Rewind
    fn unpassed(&self, records: &RecordBatch) -> RecordBatch {
        let is_passed =
            |record: &Record| self.passed.as_ref().is_some_and(|to| record.position <= *to);
        cut(records, is_passed).1
    }

    /// Adds the records that are not skipped, as pieces without gaps.
    fn push_unskipped(&self, records: RecordBatch, pieces: &mut Vec<Piece>) {
        let mut rest = records;
        while !rest.is_empty() {
            let is_skipped = |record: &Record| self.skipped.contains(&record.position);
            let (new, more) = cut(&rest, |record| !is_skipped(record));
            if !new.is_empty() {
                pieces.push(Piece::New(new));
            }
            rest = cut(&more, is_skipped).1;
        }
    }
}

/// Splits before the first record for which `belongs` is false.
fn cut(records: &RecordBatch, belongs: impl Fn(&Record) -> bool) -> (RecordBatch, RecordBatch) {
    records.split_at(records.iter().take_while(|record| belongs(record)).count())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        lease::{Epoch, LeaseKey},
        processor::Fence,
        settings::OnFailure,
        stream::SequenceNumber,
    };

    fn batch(numbers: std::ops::RangeInclusive<u128>) -> RecordBatch {
        let fence = Fence { store: "test".into(), key: LeaseKey::planner(), epoch: Epoch(1) };
        let record = |n| {
            let position = Position::from(SequenceNumber::from(n));
            Record::new(position, Some("key".into()), bytes::Bytes::new())
        };
        RecordBatch::for_test(numbers.map(record).collect(), "shard-0".parse().unwrap(), fence)
    }

    fn numbers(records: &RecordBatch) -> String {
        let numbers = records.iter().map(|record| record.position.to_string());
        numbers.collect::<Vec<_>>().join(" ")
    }

    fn told(pieces: &[Piece]) -> Vec<String> {
        let tell = |piece: &Piece| match piece {
            Piece::New(records) => numbers(records),
            Piece::Interrupted(retry) => {
                let part = retry.next().map(|part| numbers(&part));
                format!("again {}", part.unwrap_or_default())
            }
        };
        pieces.iter().map(tell).collect()
    }

    #[test]
    fn an_answer_is_delivered_as_it_is_unless_something_is_remembered() {
        assert_eq!(told(&Rewind::default().pieces(batch(1..=4))), ["1 2 3 4"]);
        // Some processors want empty batches as well.
        #[expect(clippy::reversed_empty_ranges, reason = "an empty batch")]
        let nothing = batch(2..=1);
        assert_eq!(told(&Rewind::default().pieces(nothing)), [""]);
    }

    #[test]
    fn a_batch_that_was_interrupted_comes_where_it_was_however_answers_are_cut_now() {
        let mut rewind = Rewind::default();
        let mut retry = RetryState::new(OnFailure::StopShard { attempts: 2 }, batch(4..=7));
        retry.on_failed();
        rewind.interrupt(retry, &batch(4..=7));
        assert_eq!(told(&rewind.pieces(batch(1..=2))), ["1 2"]);
        let pieces = rewind.pieces(batch(3..=5));
        assert_eq!(told(&pieces), ["3", "again 4 5 6 7"]);
        let Some(Piece::Interrupted(retry)) = pieces.into_iter().nth(1) else { panic!("none") };
        let mut retry = retry;
        retry.on_failed();
        assert!(retry.is_out(), "how often it failed is remembered");
        assert_eq!(told(&rewind.pieces(batch(6..=6))), [""; 0]);
        assert_eq!(told(&rewind.pieces(batch(7..=9))), ["8 9"]);
        assert_eq!(told(&rewind.pieces(batch(10..=11))), ["10 11"]);
    }

    #[test]
    fn what_was_skipped_does_not_come_again_until_a_checkpoint_passes_it() {
        let mut rewind = Rewind::default();
        rewind.skip(&batch(3..=3));
        rewind.skip(&batch(5..=6));
        assert_eq!(told(&rewind.pieces(batch(1..=8))), ["1 2", "4", "7 8"]);
        let checkpoint = Position::from(SequenceNumber::from(5));
        rewind.start_over(Some(&StartAt::After(checkpoint)));
        assert_eq!(told(&rewind.pieces(batch(3..=8))), ["3 4 5", "7 8"]);
    }
}
