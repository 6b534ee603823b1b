//! The failure policy for one batch: which part of it is delivered next, and when it is given up.
//! Pure.
//!
//! [`OnFailure::SkipRecord`] halves a part that failed often enough, until a single record is left,
//! which is then skipped. The operator can have one record delivered by itself
//! ([`RetryState::isolate`]). The parts are always delivered in the order of the stream.

use crate::{processor::RecordBatch, settings::OnFailure, stream::Position};

/// A batch under the failure policy.
#[derive(Debug)]
pub(super) struct RetryState {
    policy: OnFailure,
    /// The parts still to deliver, in reverse order: the next one is last.
    parts: Vec<RecordBatch>,
    /// The failures of the next part.
    failures: u32,
    /// The failures of all parts together.
    attempts: u32,
}

impl RetryState {
    pub(super) fn new(policy: OnFailure, batch: RecordBatch) -> Self {
        Self { policy, parts: vec![batch], failures: 0, attempts: 0 }
    }

    /// The part to deliver next; `None` when all are done.
    pub(super) fn next(&self) -> Option<RecordBatch> {
        self.parts.last().cloned()
    }

    /// The position of the last record still to deliver.
    pub(super) fn last_position(&self) -> Option<&Position> {
        self.parts.first()?.last_position()
    }

    /// Removes the next part: it is processed or skipped.
    pub(super) fn on_done(&mut self) {
        self.parts.pop();
        self.failures = 0;
    }

    /// Counts a failure of the next part, and halves it if it failed often enough. Returns the
    /// failures of all parts of the batch together.
    pub(super) fn on_failed(&mut self) -> u32 {
        self.failures += 1;
        self.attempts = self.attempts.saturating_add(1);
        if let OnFailure::SkipRecord { attempts } = self.policy
            && self.failures >= attempts
        {
            self.halve();
        }
        self.attempts
    }

    /// Splits the next part into halves, unless it is a single record.
    fn halve(&mut self) {
        let Some(part) = self.parts.last().filter(|part| part.len() > 1) else { return };
        let (first, second) = part.split_at(part.len() / 2);
        self.parts.pop();
        self.parts.extend([second, first]);
        self.failures = 0;
    }

    /// Splits the next part so that the record at `at` is a part of its own. False if the record is
    /// not in the next part, or is already a part of its own.
    pub(super) fn isolate(&mut self, at: &Position) -> bool {
        let Some(part) = self.parts.last().filter(|part| part.len() > 1) else { return false };
        let Some(place) = part.iter().position(|record| record.position == *at) else {
            return false;
        };
        let (before, rest) = part.split_at(place);
        let (one, after) = rest.split_at(1);
        self.parts.pop();
        self.parts.extend([after, one, before].into_iter().filter(|part| !part.is_empty()));
        self.failures = 0;
        true
    }

    /// True if the policy stops the shard now.
    pub(super) fn is_out(&self) -> bool {
        matches!(self.policy, OnFailure::StopShard { attempts } if self.failures >= attempts)
    }

    /// The record to skip: the next part, if it is one record that failed often enough.
    pub(super) fn to_skip(&self) -> Option<RecordBatch> {
        let OnFailure::SkipRecord { attempts } = self.policy else { return None };
        self.parts.last().filter(|part| part.len() <= 1 && self.failures >= attempts).cloned()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;
    use crate::{
        lease::{Epoch, LeaseKey},
        processor::Fence,
        stream::{Position, Record, SequenceNumber},
    };

    fn batch(count: u128) -> RecordBatch {
        let fence = Fence { store: "test".into(), key: LeaseKey::planner(), epoch: Epoch(1) };
        let record = |n| {
            let position = Position::from(SequenceNumber::from(n));
            Record::new(position, Some("key".into()), bytes::Bytes::new())
        };
        RecordBatch::for_test((1..=count).map(record).collect(), "shard-0".parse().unwrap(), fence)
    }

    proptest! {
        #[test]
        fn skipping_finds_exactly_the_bad_records_and_delivers_the_others_in_order(
            count in 1_u128..60,
            bad in proptest::collection::btree_set(1_u128..60, 0..5),
            attempts in 1_u32..4,
        ) {
            let mut retry = RetryState::new(OnFailure::SkipRecord { attempts }, batch(count));
            let (mut done, mut skipped) = (Vec::new(), BTreeSet::new());
            let number = |record: &Record| -> u128 {
                record.position.sequence.as_str().parse().unwrap()
            };
            while let Some(part) = retry.next() {
                if part.iter().any(|record| bad.contains(&number(record))) {
                    retry.on_failed();
                    if let Some(record) = retry.to_skip() {
                        skipped.extend(record.iter().map(number));
                        retry.on_done();
                    }
                } else {
                    done.extend(part.iter().map(number));
                    retry.on_done();
                }
            }
            let bad: BTreeSet<u128> = bad.into_iter().filter(|n| *n <= count).collect();
            let good: Vec<u128> = (1..=count).filter(|n| !bad.contains(n)).collect();
            prop_assert_eq!(skipped, bad);
            prop_assert_eq!(done, good);
        }
    }

    #[test]
    fn a_record_is_delivered_by_itself_after_those_before_it() {
        let place = |number: u128| Position::from(SequenceNumber::from(number));
        for at in 1..=5 {
            let mut retry = RetryState::new(OnFailure::Retry, batch(5));
            assert!(!retry.isolate(&place(9)), "it is not in there");
            assert!(retry.isolate(&place(at)));
            let mut parts = Vec::new();
            while let Some(part) = retry.next() {
                let is_alone = part.len() == 1 && part[0].position == place(at);
                assert!(!retry.isolate(&place(at)), "once is enough");
                parts.extend(part.iter().map(|record| (record.position.clone(), is_alone)));
                retry.on_done();
            }
            let expected = (1..=5).map(|number| (place(number), number == at));
            assert_eq!(parts, expected.collect::<Vec<_>>());
        }
    }

    #[test]
    fn retrying_never_runs_out_and_stopping_does() {
        let mut retry = RetryState::new(OnFailure::Retry, batch(3));
        let mut stop = RetryState::new(OnFailure::StopShard { attempts: 3 }, batch(3));
        for _ in 0..2 {
            retry.on_failed();
            stop.on_failed();
            assert!(!retry.is_out() && !stop.is_out());
        }
        retry.on_failed();
        stop.on_failed();
        assert!(!retry.is_out() && stop.is_out());
        assert_eq!(retry.next().unwrap().len(), 3);
    }
}
