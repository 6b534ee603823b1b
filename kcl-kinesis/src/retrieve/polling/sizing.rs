//! How many records to ask for, and how many bytes to expect.

use kcl_core::stream::ByteLimit;

/// What an answer may weigh at most: Kinesis cuts at 10 MiB of payload.
const LARGEST: usize = 10 << 20;

/// What to expect while nothing is known yet.
const FIRST: usize = 1 << 20;

/// What to expect at least: a shard at its tip still needs room for a few records.
const LEAST: usize = 16 << 10;

/// What a record weighs while nothing is known yet, in bytes.
const TYPICAL_RECORD: usize = 1 << 10;

/// Judges the next answer by recent ones.
#[derive(Clone, Debug)]
pub(super) struct Sizing {
    most: usize,
    /// What a record weighs, by those that came.
    record: Option<usize>,
    answer: usize,
}

impl Sizing {
    /// For a reader that asks for at most so many records a call.
    pub(super) const fn new(most: usize) -> Self {
        Self { most, record: None, answer: FIRST }
    }

    /// How many records to ask for so that they fit `room`: at least one.
    pub(super) fn limit(&self, room: ByteLimit) -> usize {
        (room.0 / self.record()).clamp(1, self.most)
    }

    fn record(&self) -> usize {
        self.record.unwrap_or(TYPICAL_RECORD)
    }

    /// How many bytes the next answer is expected to weigh.
    pub(super) const fn size_hint(&self) -> ByteLimit {
        ByteLimit(self.answer)
    }

    /// An answer of so many stream records weighed so much, unpacked; there is more or not.
    pub(super) fn observe(&mut self, records: usize, weight: usize, more: bool) {
        if let Some(mean) = weight.checked_div(records) {
            // Up at once, down slowly: too little room costs a call, too little care memory. Only
            // what came counts: a guess would hold room for answers that do not come.
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
