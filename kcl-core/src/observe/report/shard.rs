//! The facts of one shard for the worker's report: reads, progress, the last fault.

use std::time::Duration;

use super::recent::Recent;
use crate::{
    env::Time,
    lease::report::{ShardReport, Trouble, TroubleKind},
    stream::Position,
};

/// The shortest time over which reads are counted.
const WINDOW: Duration = Duration::from_secs(60);
/// The shortest counted time that gives a figure.
const LEAST: Duration = Duration::from_secs(10);

/// The facts of one shard.
#[derive(Debug)]
pub(super) struct ShardFacts {
    /// The last answered read.
    read_at: Option<Time>,
    /// The last processed batch with records.
    processed_at: Option<Time>,
    /// Answered reads, throttled reads, and the bytes of the answers.
    reads: Recent<[u64; 3]>,
    trouble: Option<Failing>,
    skipped: Option<Position>,
}

/// The last fault.
#[derive(Debug)]
struct Failing {
    kind: TroubleKind,
    at: Time,
    /// The start of the failing; `None` once the shard was read or processed again.
    since: Option<Time>,
}

impl ShardFacts {
    /// The facts of a shard that is read from `now` on.
    pub(super) fn new(now: Time) -> Self {
        let reads = Recent::new(WINDOW, now);
        Self { read_at: None, processed_at: None, reads, trouble: None, skipped: None }
    }

    /// Notes an answered read, which ends a fault of reading. This and the next methods return true
    /// if the worker should report soon.
    pub(super) fn read(&mut self, bytes: u64, now: Time) -> bool {
        self.read_at = Some(now);
        self.reads.add(now, |[reads, _, sum]| {
            *reads += 1;
            *sum = sum.saturating_add(bytes);
        });
        self.mend(is_of_reading)
    }

    /// Counts a throttled read.
    pub(super) fn throttle(&mut self, now: Time) -> bool {
        self.reads.add(now, |[_, throttled, _]| *throttled += 1);
        false
    }

    /// Notes a processed batch, which ends a fault of processing.
    pub(super) fn process(&mut self, records: usize, now: Time) -> bool {
        if records > 0 {
            self.processed_at = Some(now);
        }
        self.mend(|kind| !is_of_reading(kind) && *kind != TroubleKind::Stopped)
    }

    /// Notes a skipped record. Always reported soon: the operator who gave it up waits for that.
    pub(super) fn skip(&mut self, at: &Position) -> bool {
        self.skipped = Some(at.clone());
        self.mend(|kind| !is_of_reading(kind));
        true
    }

    /// Notes a fault.
    pub(super) fn fail(&mut self, kind: TroubleKind, now: Time) -> bool {
        let before = self.trouble.as_ref().filter(|it| it.since.is_some());
        // Throttled reads are reported for the whole worker, not shard by shard.
        let is_news = kind != TroubleKind::Throttled && before.is_none_or(|it| it.kind != kind);
        let since = before.and_then(|it| it.since).or(Some(now));
        self.trouble = Some(Failing { kind, at: now, since });
        is_news
    }

    /// Ends the fault if `is_mended` is true for its kind.
    fn mend(&mut self, is_mended: impl FnOnce(&TroubleKind) -> bool) -> bool {
        match &mut self.trouble {
            Some(failing) if is_mended(&failing.kind) => {
                failing.since.take().is_some() && failing.kind != TroubleKind::Throttled
            }
            _ => false,
        }
    }

    /// Writes the facts into the report of the shard.
    pub(super) fn tell(&mut self, report: &mut ShardReport, now: Time) {
        let ago = |at: Time| now.since(at);
        report.read = self.read_at.map(ago);
        report.progress = self.processed_at.map(ago);
        let (sums, before, within) = self.reads.sums(now);
        if within >= LEAST {
            let seconds = within.as_secs().max(1);
            let before = before.unwrap_or_default();
            let of = |at: usize| sums[at].saturating_add(before[at]);
            report.reads = Some(of(0) * 60 / seconds);
            report.throttled = Some(of(1) * 60 / seconds);
            report.read_bytes_per_second = Some(of(2) / seconds);
        }
        report.skipped.clone_from(&self.skipped);
        report.trouble = self
            .trouble
            .as_ref()
            .map(|it| Trouble::new(it.kind.clone(), ago(it.at), it.since.map(ago)));
    }
}

/// Whether it is the stream's answer that shows it to be mended.
const fn is_of_reading(kind: &TroubleKind) -> bool {
    use TroubleKind as T;
    matches!(
        kind,
        T::Unavailable
            | T::Throttled
            | T::Denied
            | T::Encryption
            | T::NoStream
            | T::NoShard
            | T::OtherStream
            | T::Misconfigured
            | T::Corrupt
            | T::ReadFailed
            | T::Standstill
            | T::ChildrenUnknown
    )
}
