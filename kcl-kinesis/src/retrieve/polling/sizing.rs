//! [`Sizing`]: the number of records to request, and the expected size of an answer.

use kcl_core::stream::ByteLimit;

/// The largest size of an answer in bytes: the limit of Kinesis is 10 MiB of payload.
const LARGEST: usize = 10 << 20;

/// The expected size of the first answer in bytes.
const FIRST: usize = 1 << 20;

/// The least expected size in bytes: a shard at its tip still needs memory for a few records.
const LEAST: usize = 16 << 10;

/// The expected size of a record before the first one, in bytes.
const TYPICAL_RECORD: usize = 1 << 10;

/// Estimates the size of the next answer from recent ones.
#[derive(Clone, Debug)]
pub(super) struct Sizing {
    most: usize,
    /// The estimated size of a record; `None` before the first one.
    record: Option<usize>,
    answer: usize,
}

impl Sizing {
    /// Creates the estimate for a reader that requests at most `most` records per call.
    pub(super) const fn new(most: usize) -> Self {
        Self { most, record: None, answer: FIRST }
    }

    /// The number of records to request so that they fit in `room`. At least one.
    pub(super) fn limit(&self, room: ByteLimit) -> usize {
        (room.0 / self.record()).clamp(1, self.most)
    }

    fn record(&self) -> usize {
        self.record.unwrap_or(TYPICAL_RECORD)
    }

    /// The expected size of the next answer.
    pub(super) const fn size_hint(&self) -> ByteLimit {
        ByteLimit(self.answer)
    }

    /// Records an answer of `records` stream records that have `weight` bytes after unpacking.
    /// `more` is true if more records follow.
    pub(super) fn observe(&mut self, records: usize, weight: usize, more: bool) {
        if let Some(mean) = weight.checked_div(records) {
            // The estimate rises at once and falls slowly: a high one costs a call, a low one
            // memory. The first answer replaces the initial guess, which would otherwise reserve
            // memory that is not needed.
            let slowly = self.record.map_or(mean, |record| (3 * record + mean) / 4);
            self.record = Some(mean.max(slowly).max(1));
        }
        let next = if more {
            self.record().saturating_mul(self.most).min(LARGEST)
        } else {
            weight.max(self.answer / 2)
        };
        self.answer = next.max(LEAST);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn asks_for_what_fits_by_recent_records_and_for_one_at_least() {
        let mut sizing = Sizing::new(10_000);
        assert_eq!(sizing.limit(ByteLimit(100 << 10)), 100);
        sizing.observe(10, 2_000, true);
        for _ in 0..50 {
            sizing.observe(100, 20_000, true);
        }
        assert_eq!(sizing.limit(ByteLimit(100_000)), 500);
        sizing.observe(1, 1 << 20, true);
        assert_eq!(sizing.limit(ByteLimit(3 << 20)), 3);
        assert_eq!(sizing.limit(ByteLimit(0)), 1);
        assert_eq!(Sizing::new(10_000).limit(ByteLimit(usize::MAX)), 10_000);
    }

    #[test]
    fn the_first_records_say_what_a_record_weighs_whatever_was_guessed() {
        let mut sizing = Sizing::new(10_000);
        sizing.observe(1_024, 1_024 * 264, true);
        assert_eq!(sizing.size_hint(), ByteLimit(2_640_000));
        assert_eq!(sizing.limit(ByteLimit(2_640_000)), 10_000);
        sizing.observe(10_000, 10_000 * 64, true);
        assert_eq!(sizing.size_hint(), ByteLimit(2_140_000), "down slowly");
    }

    #[test]
    fn expects_a_full_answer_while_there_is_more_and_little_at_the_tip() {
        let mut sizing = Sizing::new(1_000);
        assert_eq!(sizing.size_hint(), ByteLimit(FIRST));
        for _ in 0..50 {
            sizing.observe(1_000, 264_000, true);
        }
        assert_eq!(sizing.size_hint(), ByteLimit(264_000));
        sizing.observe(2, 20 << 20, true);
        assert_eq!(sizing.size_hint(), ByteLimit(LARGEST));
        for _ in 0..20 {
            sizing.observe(0, 0, false);
        }
        assert_eq!(sizing.size_hint(), ByteLimit(LEAST));
    }
}
