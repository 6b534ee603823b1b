//! How the reading of one shard is.

use std::time::Duration;

use super::recent::Recent;
use crate::{
    env::Time,
    lease::report::{ShardReport, Trouble, TroubleKind},
    stream::Position,
};

/// Over which time reads are counted, at least.
const WINDOW: Duration = Duration::from_secs(60);
/// What was counted for a shorter time says nothing yet.
const LEAST: Duration = Duration::from_secs(10);

/// How the reading of one shard is.
#[derive(Debug)]
pub(super) struct ShardFacts {
    read_at: Option<Time>,
    processed_at: Option<Time>,
    /// Reads that were answered, that were refused, and bytes.
    reads: Recent<[u64; 3]>,
    trouble: Option<Failing>,
    skipped: Option<Position>,
}

/// What went wrong last.
#[derive(Debug)]
struct Failing {
    kind: TroubleKind,
    at: Time,
    /// Since when it has been failing; `None` once it went well.
    since: Option<Time>,
}

impl ShardFacts {
    /// A shard that is read from now on.
    pub(super) fn new(now: Time) -> Self {
        let reads = Recent::new(WINDOW, now);
        Self { read_at: None, processed_at: None, reads, trouble: None, skipped: None }
    }

    /// The stream answered a read. Whether a kind of fact has changed.
    pub(super) fn read(&mut self, bytes: u64, now: Time) -> bool {
        self.read_at = Some(now);
        self.reads.add(now, |[reads, _, sum]| {
            *reads += 1;
            *sum = sum.saturating_add(bytes);
        });
        self.mend(is_of_reading)
    }

    /// The stream refused a read because there are too many.
    pub(super) fn throttle(&mut self, now: Time) -> bool {
        self.reads.add(now, |[_, throttled, _]| *throttled += 1);
        false
    }

    /// A batch was processed.
    pub(super) fn process(&mut self, records: usize, now: Time) -> bool {
        if records > 0 {
            self.processed_at = Some(now);
        }
        self.mend(|kind| !is_of_reading(kind) && *kind != TroubleKind::Stopped)
    }

    /// A record was skipped: nobody waits for anything as much as for that.
    pub(super) fn skip(&mut self, at: &Position) -> bool {
        self.skipped = Some(at.clone());
        self.mend(|kind| !is_of_reading(kind));
        true
    }

    /// Something went wrong.
    pub(super) fn fail(&mut self, kind: TroubleKind, now: Time) -> bool {
        let before = self.trouble.as_ref().filter(|it| it.since.is_some());
        // That reads are throttled is told of all shards as one.
        let is_news = kind != TroubleKind::Throttled && before.is_none_or(|it| it.kind != kind);
        let since = before.and_then(|it| it.since).or(Some(now));
        self.trouble = Some(Failing { kind, at: now, since });
        is_news
    }

    /// What is mended by that is not failing any more.
    fn mend(&mut self, is_mended: impl FnOnce(&TroubleKind) -> bool) -> bool {
        match &mut self.trouble {
            Some(failing) if is_mended(&failing.kind) => {
                failing.since.take().is_some() && failing.kind != TroubleKind::Throttled
            }
            _ => false,
        }
    }

    /// Tells what is known.
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
