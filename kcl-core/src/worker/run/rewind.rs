//! Going back to the last checkpoint, when a panic took with it what a processor had buffered.
//!
//! With checkpoints of its own a processor may have been given more than is checkpointed. The one
//! that is made anew knows nothing of that: a checkpoint of its would pass over it for ever. So the
//! records come again, but not the failures: how often a batch failed, and which records were
//! skipped, is remembered.

use std::collections::BTreeSet;

use super::retry::RetryState;
use crate::{
    processor::RecordBatch,
    stream::{Position, Record, StartAt},
};

/// What is remembered of records that come again.
#[derive(Debug, Default)]
pub(super) struct Rewind {
    interrupted: Option<Interrupted>,
    /// Up to here, records were in a batch that was interrupted: they come in its place.
    passed: Option<Position>,
    /// Skipped by policy, and not behind a checkpoint yet.
    skipped: BTreeSet<Position>,
}

/// A batch in which the processor panicked.
#[derive(Debug)]
struct Interrupted {
    retry: RetryState,
    /// The first and the last record of what was left of it.
    from: Position,
    to: Position,
}

/// A piece of an answer of the stream.
#[derive(Debug)]
pub(super) enum Piece {
    /// Records that have not failed.
    New(RecordBatch),
    /// What was left of a batch in which the processor panicked.
    Interrupted(RetryState),
}

impl Rewind {
    /// The processor panicked on `part` of a batch.
    pub(super) fn interrupt(&mut self, retry: RetryState, part: &RecordBatch) {
        let to = retry.last_position().or_else(|| part.last_position()).cloned();
        let from = part.first().map(|record| record.position.clone());
        self.passed = None;
        self.interrupted = from.zip(to).map(|(from, to)| Interrupted { retry, from, to });
    }

    /// Records that the policy skips are not to come again.
    pub(super) fn skip(&mut self, records: &RecordBatch) {
        self.skipped.extend(records.iter().map(|record| record.position.clone()));
    }

    /// Reading starts over: what is behind the checkpoint it starts at need not be remembered.
    pub(super) fn start_over(&mut self, at: Option<&StartAt>) {
        self.passed = None;
        if let Some(StartAt::After(checkpoint)) = at {
            self.skipped.retain(|skipped| skipped > checkpoint);
        }
    }

    /// What to deliver of an answer of the stream.
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

    /// The records behind the batch that came in their place.
    fn unpassed(&self, records: &RecordBatch) -> RecordBatch {
        let is_passed =
            |record: &Record| self.passed.as_ref().is_some_and(|to| record.position <= *to);
        cut(records, is_passed).1
    }

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

/// The first records for which `belongs` holds, and the rest.
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
        // Some want to be called with nothing.
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
