//! Calls in a row that bring nothing: noticed, slowed down, told.
//!
//! A service may answer every call and still not move: it gives iterators and refuses them, ends a
//! shard that it lists as open, repeats the same empty answer. Each such answer looks like a
//! passing fault, and none of them is an error that lasts. What tells is that no record and no new
//! position came between.

use std::time::Duration;

use kcl_core::stream::ReadEvent;

use super::pace::CALL_INTERVAL;

/// After so many calls it is told, and again each time there were twice as many.
const WORTH_TELLING: u32 = 10;

/// So many calls are made without a pause of their own: an iterator that expired is renewed at
/// once.
const UNSLOWED: u32 = 3;

/// The longest pause before the next call.
const LONGEST: Duration = Duration::from_secs(10);

/// What the calls bring in place of progress.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Nothing {
    /// An iterator that the service gave is refused.
    Refused,
    /// An answer has neither new records nor the iterator to go on with.
    NoIterator,
    /// An answer ends the shard, which is listed as open, or not at all.
    NoEnd,
    /// An answer has an iterator and a lag, but no new records.
    NoRecords,
}

impl Nothing {
    const fn says(self) -> &'static str {
        match self {
            Self::Refused => "the iterators that it gives are refused",
            Self::NoIterator => "its answers have neither new records nor an iterator",
            Self::NoEnd => "its answers end the shard, which is not listed as closed",
            Self::NoRecords => "its answers speak of newer records and hold none",
        }
    }
}

/// The calls since the last progress.
#[derive(Debug)]
pub(super) struct Standstill {
    calls: u32,
    tell_at: u32,
    last: Nothing,
    /// Polls in a row that found the reader at the tip.
    idle: u32,
    /// The smallest lag told since the last record.
    lag: Option<u64>,
}

impl Standstill {
    pub(super) const fn new() -> Self {
        Self { calls: 0, tell_at: WORTH_TELLING, last: Nothing::NoRecords, idle: 0, lag: None }
    }

    /// A record came that had not come before.
    pub(super) const fn moved(&mut self) {
        *self = Self::new();
    }

    /// A poll found nothing new, and nothing missing. One of them proves little: only if they
    /// follow one another is the iterator taken again and again.
    pub(super) const fn idled(&mut self) {
        self.idle += 1;
        if self.idle >= WORTH_TELLING {
            self.moved();
        }
    }

    /// A call brought nothing new.
    pub(super) const fn stood(&mut self, what: Nothing) {
        self.idle = 0;
        self.calls = self.calls.saturating_add(1);
        self.last = what;
    }

    /// An answer had no new records, an iterator, and this lag. One that is smaller than all before
    /// it is progress: a stretch of the shard without records is being crossed.
    pub(super) fn crossed(&mut self, lag: Option<u64>) {
        match (lag, self.lag) {
            (Some(lag), least) if least.is_none_or(|least| lag < least) => {
                self.moved();
                self.lag = Some(lag);
            }
            _ => self.stood(Nothing::NoRecords),
        }
    }

    /// How long to wait after the last call: longer and longer while nothing comes.
    pub(super) fn pause(&self) -> Duration {
        if self.calls <= UNSLOWED {
            return Duration::ZERO;
        }
        let doublings = (self.calls / WORTH_TELLING).min(10);
        (CALL_INTERVAL * 2_u32.pow(doublings)).min(LONGEST)
    }

    /// Whether there is something to be told.
    pub(super) const fn is_due(&self) -> bool {
        self.calls >= self.tell_at
    }

    /// What is to be told now: once after ten calls, after twenty, after forty, ….
    pub(super) fn tell(&mut self) -> Option<ReadEvent> {
        if !self.is_due() {
            return None;
        }
        self.tell_at = self.tell_at.saturating_mul(2);
        Some(ReadEvent::Standstill { calls: self.calls, why: self.last.says().to_owned() })
    }

    /// How many calls in a row brought nothing.
    pub(super) const fn calls(&self) -> u32 {
        self.calls
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_told_at_ten_twenty_and_forty_and_calls_become_rare() {
        let mut standstill = Standstill::new();
        let (mut told, mut waited) = (Vec::new(), Duration::ZERO);
        for call in 1..=100 {
            standstill.stood(Nothing::Refused);
            told.extend(standstill.tell().map(|_| call));
            assert!(standstill.tell().is_none(), "told twice");
            waited += standstill.pause();
        }
        assert_eq!(told, [10, 20, 40, 80]);
        assert_eq!(standstill.pause(), LONGEST);
        assert!(waited > Duration::from_secs(120), "{waited:?}");
    }

    #[test]
    fn only_a_record_or_a_row_of_idle_polls_is_a_new_beginning() {
        let mut standstill = Standstill::new();
        for _ in 0..9 {
            standstill.stood(Nothing::Refused);
            standstill.idled();
        }
        assert_eq!(standstill.calls(), 9);
        for _ in 0..10 {
            standstill.idled();
        }
        assert_eq!(standstill.calls(), 0);
        standstill.stood(Nothing::Refused);
        standstill.moved();
        assert_eq!(standstill.calls(), 0);
    }

    #[test]
    fn a_lag_that_shrinks_is_progress_and_one_that_comes_again_is_none() {
        let mut standstill = Standstill::new();
        for lag in [9_000, 6_000, 3_000] {
            standstill.crossed(Some(lag));
            assert_eq!(standstill.calls(), 0);
        }
        // The same stretch again, from a new iterator.
        for (lag, calls) in [(Some(9_000), 1), (Some(3_000), 2), (None, 3)] {
            standstill.crossed(lag);
            assert_eq!(standstill.calls(), calls);
        }
    }
}
