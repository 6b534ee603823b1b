//! Computes the load of one shard: the bytes and records that arrive, and the share of time that
//! the processor works. Pure: the time is an argument.
//!
//! Arrivals are counted against the *stream's* time, and not against the worker's clock: each
//! answer of the source stands for a moment of the stream, which is the present minus the lag of
//! the answer. A reader that reads an hour of backlog in a minute therefore measures the arrivals
//! of an hour, and its backlog counts for no load.

use std::{collections::VecDeque, time::Duration};

use crate::{env::Time, lease::Load};

/// The time over which a load is averaged; older arrivals are forgotten.
const WINDOW: Duration = Duration::from_secs(60);
/// The shortest piece of a window: whole pieces are forgotten, one at a time.
const PIECE: Duration = Duration::from_secs(5);
/// The shortest measured time that gives a figure; before it, a load is unknown.
const LEAST: Duration = Duration::from_secs(10);
/// Added to the stream's time, so that the present minus a lag never falls below zero: ten years,
/// longer than any stream keeps records.
const LONG_AGO: Duration = Duration::from_hours(24 * 3_650);

/// One answer of a source, for the meter.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Arrived {
    /// The number of records.
    pub records: u64,
    /// The bytes of their payloads.
    pub bytes: u64,
    /// The distance behind the newest record, as the source reports it; `None` if it does not.
    pub lag: Option<Duration>,
    /// The time since the last of the records arrived at the stream; `None` if unknown.
    pub age: Option<Duration>,
}

impl Arrived {
    /// The distance of the answer behind the present: the higher of lag and age, because some
    /// servers always report a lag of zero.
    fn behind(&self) -> Duration {
        self.lag.unwrap_or_default().max(self.age.unwrap_or_default())
    }
}

/// Measures the load of one shard.
#[derive(Clone, Debug)]
pub struct LoadMeter {
    /// The moment of the stream that the last answer stands for; `None` before the first answer.
    reached: Option<Duration>,
    /// Arrived bytes and records, over the stream's time.
    arrived: Window,
    /// The lag of the last answer.
    lag: Option<Duration>,
    /// Microseconds in the processor and processed records, over the worker's time.
    busy: Window,
    /// The time up to which `busy` is complete.
    counted: Time,
    /// Whether the processor has a batch now.
    in_processor: bool,
}

impl LoadMeter {
    /// Makes the meter of a shard that is read from `now` on.
    #[must_use]
    pub const fn new(now: Time) -> Self {
        Self {
            reached: None,
            arrived: Window::new(),
            lag: None,
            busy: Window::new(),
            counted: now,
            in_processor: false,
        }
    }

    /// Notes that a reader is opened. It may read records again, so that arrivals are counted from
    /// its first answer on.
    pub const fn open(&mut self) {
        self.reached = None;
    }

    /// Notes an answer of the source.
    pub fn read(&mut self, now: Time, answer: Arrived) {
        self.lag = answer.lag;
        let at = LONG_AGO + now.since(Time::ZERO);
        let at = at.saturating_sub(answer.behind());
        match &mut self.reached {
            // The first answer gives no rate: it is unknown for how long its records had arrived.
            None => self.reached = Some(at),
            Some(before) => {
                self.arrived.add(at.saturating_sub(*before), [answer.bytes, answer.records]);
                *before = at.max(*before);
            }
        }
    }

    /// Notes that the processor gets a batch.
    pub fn begin(&mut self, now: Time) {
        self.count(now);
        self.in_processor = true;
    }

    /// Notes processed records.
    pub fn process(&mut self, records: u64) {
        self.busy.add(Duration::ZERO, [0, records]);
    }

    /// Notes that the processor has no batch any more, whether it was processed or not.
    pub fn end(&mut self, now: Time) {
        self.count(now);
        self.in_processor = false;
    }

    /// The load at `now`.
    #[must_use]
    pub fn load(&mut self, now: Time) -> Load {
        self.count(now);
        let per_second = |of: usize| self.arrived.share(of, 1_000_000);
        let mut load = Load::UNKNOWN;
        load.bytes_per_second = per_second(0);
        load.records_per_second = per_second(1);
        load.busy_permille = self.busy.share(0, 1_000);
        load.lag = self.lag;
        load.processed_per_second = self.busy.share(1, 1_000_000);
        load
    }

    /// Completes `busy` up to `now`.
    fn count(&mut self, now: Time) {
        let passed = now.since(self.counted);
        let busy = if self.in_processor { micros(passed) } else { 0 };
        self.busy.add(passed, [busy, 0]);
        self.counted = self.counted.max(now);
    }
}

/// Two sums over about the last [`WINDOW`], in pieces of at least [`PIECE`].
#[derive(Clone, Debug)]
struct Window {
    /// The complete pieces, oldest first.
    whole: VecDeque<Piece>,
    /// The piece that is being filled.
    last: Piece,
}

/// The sums of one piece of time.
#[derive(Clone, Copy, Debug, Default)]
struct Piece {
    /// The length of the piece.
    takes: Duration,
    sums: [u64; 2],
}

impl Piece {
    fn add(&mut self, takes: Duration, sums: [u64; 2]) {
        self.takes = self.takes.saturating_add(takes);
        for (sum, more) in self.sums.iter_mut().zip(sums) {
            *sum = sum.saturating_add(more);
        }
    }
}

impl Window {
    const fn new() -> Self {
        Self { whole: VecDeque::new(), last: Piece { takes: Duration::ZERO, sums: [0; 2] } }
    }

    fn add(&mut self, takes: Duration, sums: [u64; 2]) {
        self.last.add(takes, sums);
        if self.last.takes < PIECE {
            return;
        }
        self.whole.push_back(std::mem::take(&mut self.last));
        let mut all: Duration = self.whole.iter().map(|piece| piece.takes).sum();
        while let Some(first) = self.whole.front() {
            all = all.saturating_sub(first.takes);
            if all < WINDOW {
                return;
            }
            self.whole.pop_front();
        }
    }

    /// The average of one of the sums in `micros_long` microseconds; `None` before [`LEAST`] has
    /// been measured.
    fn share(&self, of: usize, micros_long: u64) -> Option<u64> {
        let mut all = self.last;
        self.whole.iter().for_each(|piece| all.add(piece.takes, piece.sums));
        if all.takes < LEAST {
            return None;
        }
        let share = u128::from(all.sums[of]) * u128::from(micros_long) / all.takes.as_micros();
        Some(u64::try_from(share).unwrap_or(u64::MAX))
    }
}

fn micros(span: Duration) -> u64 {
    u64::try_from(span.as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn secs(secs: u64) -> Time {
        Time::from_millis(secs * 1_000)
    }

    fn answer(bytes: u64, lag: u64) -> Arrived {
        let lag = Some(Duration::from_secs(lag));
        Arrived { records: bytes / 100, bytes, lag, age: None }
    }

    /// Reads once a second at the tip of a shard that receives `bytes` per second.
    fn at_tip(meter: &mut LoadMeter, span: std::ops::Range<u64>, bytes: u64) {
        span.for_each(|at| meter.read(secs(at), answer(bytes, 0)));
    }

    #[test]
    fn nothing_is_known_before_enough_was_seen() {
        let mut meter = LoadMeter::new(secs(0));
        assert_eq!(meter.load(secs(0)), Load::UNKNOWN);
        at_tip(&mut meter, 0..10, 5_000);
        assert_eq!(meter.load(secs(9)).bytes_per_second, None);
        at_tip(&mut meter, 10..12, 5_000);
        let load = meter.load(secs(11));
        assert_eq!((load.bytes_per_second, load.records_per_second), (Some(5_000), Some(50)));
        assert_eq!((load.busy_permille, load.lag), (Some(0), Some(Duration::ZERO)));
    }

    #[test]
    fn what_has_stopped_to_arrive_is_forgotten_in_about_a_minute() {
        let mut meter = LoadMeter::new(secs(0));
        at_tip(&mut meter, 0..100, 6_000);
        at_tip(&mut meter, 100..130, 0);
        let half = meter.load(secs(129)).bytes_per_second.unwrap();
        assert!((2_500..=3_500).contains(&half), "{half}");
        at_tip(&mut meter, 130..170, 0);
        assert_eq!(meter.load(secs(169)).bytes_per_second, Some(0));
    }

    /// Reading an hour of backlog in a minute must not count as sixty times the load.
    #[test]
    fn a_backlog_that_is_caught_up_with_is_no_load() {
        let mut meter = LoadMeter::new(secs(0));
        for at in 0..60 {
            meter.read(secs(at), answer(1_000 * 61, 3_600 - at * 60));
        }
        let load = meter.load(secs(59));
        assert!((995..=1_005).contains(&load.bytes_per_second.unwrap()), "{load:?}");
        assert_eq!(load.lag, Some(Duration::from_secs(60)));
    }

    /// The load of a shard must not be lower because its reader cannot keep up.
    #[test]
    fn a_reader_that_falls_behind_sees_what_arrives() {
        let mut meter = LoadMeter::new(secs(0));
        // In ten seconds it reads the records that arrived in two.
        for round in 0..60 {
            meter.read(secs(round * 10), answer(2_000, round * 8));
        }
        assert_eq!(meter.load(secs(590)).bytes_per_second, Some(1_000));
    }

    #[test]
    fn where_the_source_always_says_that_it_is_not_behind_the_records_tell() {
        let mut meter = LoadMeter::new(secs(0));
        for at in 0..60_u64 {
            let age = Some(Duration::from_secs(3_600 - at * 60));
            meter.read(secs(at), Arrived { age, ..answer(61_000, 0) });
        }
        assert!((995..=1_005).contains(&meter.load(secs(59)).bytes_per_second.unwrap()));
    }

    #[test]
    fn what_is_read_again_has_not_arrived_again() {
        let mut meter = LoadMeter::new(secs(0));
        for at in 0..30 {
            meter.read(secs(at), answer(1_000, 0));
        }
        for at in 30..40 {
            meter.open();
            // Starts from a checkpoint of twenty seconds ago.
            meter.read(secs(at), answer(1_000, 20));
            meter.read(secs(at), answer(20_000, 0));
        }
        assert_eq!(meter.load(secs(40)).bytes_per_second, Some(1_000));
    }

    #[test]
    fn a_wall_clock_that_is_wrong_changes_nothing() {
        let mut meter = LoadMeter::new(secs(0));
        for at in 0..200_u64 {
            let empty = at % 3 == 2;
            let age = (!empty).then(|| Duration::from_secs(600));
            let bytes = if empty { 0 } else { 1_500 };
            meter.read(secs(at), Arrived { age, ..answer(bytes, 0) });
        }
        let found = meter.load(secs(200)).bytes_per_second.unwrap();
        assert!((950..=1_050).contains(&found), "{found}");
    }

    #[test]
    fn a_batch_that_goes_on_counts_while_it_does() {
        let mut meter = LoadMeter::new(secs(0));
        meter.begin(secs(10));
        meter.end(secs(15));
        meter.begin(secs(15));
        assert_eq!(meter.load(secs(20)).busy_permille, Some(500));
        assert_eq!(meter.load(secs(200)).busy_permille, Some(1_000));
        meter.end(secs(230));
        assert_eq!(meter.load(secs(260)).busy_permille, Some(500));
        assert_eq!(meter.load(secs(400)).busy_permille, Some(0));
    }

    #[test]
    fn what_is_processed_is_counted_by_the_clock_and_not_by_the_streams_time() {
        let mut meter = LoadMeter::new(secs(0));
        for at in 0..30 {
            meter.begin(secs(at));
            meter.process(40);
            meter.end(secs(at));
        }
        assert_eq!(meter.load(secs(30)).processed_per_second, Some(40));
        assert_eq!(meter.load(secs(400)).processed_per_second, Some(0));
    }

    proptest! {
        /// The result depends neither on the size of the answers nor on the speed of reading.
        #[test]
        fn the_measure_is_what_arrives(
            rate in 1_u64..2_000_000,
            behind in 0_u64..10_000,
            steps in proptest::collection::vec((100_u64..3_000, 100_u64..20_000), 100..200),
        ) {
            let mut meter = LoadMeter::new(Time::ZERO);
            // In milliseconds: the time of the clock, and the arrival time of the last record read.
            let (mut now, mut read) = (behind, 0);
            meter.read(Time::from_millis(now), Arrived {
                lag: Some(Duration::from_millis(behind)),
                ..Arrived::default()
            });
            for (waits, reads) in steps {
                now += waits;
                let to = (read + reads).min(now);
                let lag = Some(Duration::from_millis(now - to));
                let bytes = (rate * to / 1_000) - (rate * read / 1_000);
                meter.read(Time::from_millis(now), Arrived { lag, ..answer(bytes, 0) });
                read = to;
            }
            let found = meter.load(Time::from_millis(now)).bytes_per_second;
            prop_assert!(found.is_some_and(|found| found.abs_diff(rate) <= 1 + rate / 1_000),
                "{found:?} {rate}");
        }
    }
}
