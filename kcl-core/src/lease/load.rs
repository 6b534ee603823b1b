//! The load that a worker measures of each shard that it reads.
//!
//! A worker publishes loads in its report and not with checkpoints: so a load is known even if the
//! processor writes no checkpoint, and it sinks when no records arrive. `None` means unknown, which
//! is not zero.

use std::time::Duration;

/// The load of one shard, averaged over about the last minute.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Load {
    /// Payload bytes that *arrive* at the shard per second. Bytes read from a backlog do not count,
    /// because a backlog passes.
    pub bytes_per_second: Option<u64>,
    /// Records that arrive at the shard per second.
    pub records_per_second: Option<u64>,
    /// The share of time in which the processor works on records, in thousandths: `0..=1,000`.
    pub busy_permille: Option<u64>,
    /// The distance of reading behind the newest record, as the source last reported it. `None` if
    /// the source does not report it.
    pub lag: Option<Duration>,
    /// Records that the processor processes per second: more than arrive while it catches up, fewer
    /// while it falls behind.
    pub processed_per_second: Option<u64>,
}

impl Load {
    /// A load of which nothing is known.
    pub const UNKNOWN: Self = Self {
        bytes_per_second: None,
        records_per_second: None,
        busy_permille: None,
        lag: None,
        processed_per_second: None,
    };

    /// True if `other` differs too little for a new report: by an eighth of the rates, a quarter of
    /// the busy share, or half of the lag.
    #[must_use]
    pub fn is_much_like(&self, other: &Self) -> bool {
        let millis = |lag: Option<Duration>| lag.map(millis);
        near(self.bytes_per_second, other.bytes_per_second, 8, 1_024)
            && near(self.records_per_second, other.records_per_second, 8, 1)
            && near(self.busy_permille, other.busy_permille, 4, 100)
            && near(millis(self.lag), millis(other.lag), 2, 10_000)
    }
}

/// True if two figures differ by at most one `part`-th of the greater, or by at most `least`.
fn near(a: Option<u64>, b: Option<u64>, part: u64, least: u64) -> bool {
    match (a, b) {
        (Some(a), Some(b)) => a.abs_diff(b) <= (a.max(b) / part).max(least),
        (a, b) => a == b,
    }
}

/// A duration in whole milliseconds.
pub(super) fn millis(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}
