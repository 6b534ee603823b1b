//! [`Standstill`]: counts calls in a row without progress, slows them down and reports them.
//!
//! A service may answer every call and still make no progress: it refuses the iterators that it
//! has issued, ends a shard that it lists as open, or repeats the same empty answer. Each of these
//! answers looks like a temporary fault. The fault is noticed only by their number, without a
//! record or a new position in between.

use std::time::Duration;

use kcl_core::stream::ReadEvent;

use super::pace::CALL_INTERVAL;

/// A standstill is reported after this many calls, and again each time the number has doubled.
const WORTH_TELLING: u32 = 10;

/// The number of calls without progress that are not slowed down: an expired iterator is renewed at
/// once.
const UNSLOWED: u32 = 3;

/// The longest pause between two calls without progress.
const LONGEST: Duration = Duration::from_secs(10);

/// The kind of a call without progress.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Nothing {
    /// The service refuses an iterator that it has issued.
    Refused,
    /// The answer has neither new records nor an iterator for the next call.
    NoIterator,
    /// The answer ends the shard, but the shard is listed as open or not listed.
    NoEnd,
    /// The answer has an iterator and a lag, but no new records.
    NoRecords,
}

impl Nothing {
    /// The text of the event.
    const fn says(self) -> &'static str {
        match self {
            Self::Refused => "the iterators that it gives are refused",
            Self::NoIterator => "its answers have neither new records nor an iterator",
            Self::NoEnd => "its answers end the shard, which is not listed as closed",
            Self::NoRecords => "its answers speak of newer records and hold none",
        }
    }
}

/// Counts the calls since the last progress.
#[derive(Debug)]
pub(super) struct Standstill {
    calls: u32,
    tell_at: u32,
    last: Nothing,
    /// The number of polls in a row that found the reader at the tip.
    idle: u32,
    /// The smallest lag in an answer since the last new record.
    lag: Option<u64>,
}

impl Standstill {
    pub(super) const fn new() -> Self {
        Self { calls: 0, tell_at: WORTH_TELLING, last: Nothing::NoRecords, idle: 0, lag: None }
    }

    /// Records progress: a new record.
    pub(super) const fn moved(&mut self) {
        *self = Self::new();
    }

    /// Records a poll at the tip. One of them does not prove progress, but ten in a row do: the
    /// service has accepted the iterators.
    pub(super) const fn idled(&mut self) {
        self.idle += 1;
        if self.idle >= WORTH_TELLING {
            self.moved();
        }
    }

    /// Records a call without progress.
    pub(super) const fn stood(&mut self, what: Nothing) {
        self.idle = 0;
        self.calls = self.calls.saturating_add(1);
        self.last = what;
    }

    /// Records an answer with an iterator and this lag, but without new records. A smaller lag than
    /// ever before is progress: the reader is crossing a part of the shard without records.
    pub(super) fn crossed(&mut self, lag: Option<u64>) {
        match (lag, self.lag) {
            (Some(lag), least) if least.is_none_or(|least| lag < least) => {
                self.moved();
                self.lag = Some(lag);
            }
            _ => self.stood(Nothing::NoRecords),
        }
    }

    /// The pause after the last call. Grows with the number of calls without progress.
    pub(super) fn pause(&self) -> Duration {
        if self.calls <= UNSLOWED {
            return Duration::ZERO;
        }
        let doublings = (self.calls / WORTH_TELLING).min(10);
        (CALL_INTERVAL * 2_u32.pow(doublings)).min(LONGEST)
    }

    /// True if the standstill has to be reported now.
    pub(super) const fn is_due(&self) -> bool {
        self.calls >= self.tell_at
    }

    /// Returns the event to report now, if there is one: after 10, 20, 40, … calls.
    pub(super) fn tell(&mut self) -> Option<ReadEvent> {
        if !self.is_due() {
            return None;
        }
        self.tell_at = self.tell_at.saturating_mul(2);
        Some(ReadEvent::Standstill { calls: self.calls, why: self.last.says().to_owned() })
    }

    /// The number of calls in a row without progress.
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
        // The same part of the shard again, from a new iterator.
        for (lag, calls) in [(Some(9_000), 1), (Some(3_000), 2), (None, 3)] {
            standstill.crossed(lag);
            assert_eq!(standstill.calls(), calls);
        }
    }
}
