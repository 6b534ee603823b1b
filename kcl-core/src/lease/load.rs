//! What a worker measures of the shards it reads.
//!
//! A load travels apart from checkpoints, in the worker's report: it is known of a shard whose
//! processor writes none, and it goes down when nothing arrives. Unknown is not zero.

use std::time::Duration;

/// The load of one shard, as its reader measured it over the last minute or so.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Load {
    /// Bytes of payload that arrive at the stream in a second, and not those that are read: a
    /// backlog that is caught up with is no load. `None`: not measured yet.
    pub bytes_per_second: Option<u64>,
    /// Records that arrive in a second.
    pub records_per_second: Option<u64>,
    /// The share of time that records are in the processor, in thousandths.
    pub busy_permille: Option<u64>,
    /// How far behind the newest record reading was, by what the source said last. `None` if it
    /// does not say.
    pub lag: Option<Duration>,
    /// Records that the processor processes in a second. More than arrive while it catches up,
    /// fewer while it falls behind.
    pub processed_per_second: Option<u64>,
}

impl Load {
    /// Nothing known.
    pub const UNKNOWN: Self = Self {
        bytes_per_second: None,
        records_per_second: None,
        busy_permille: None,
        lag: None,
        processed_per_second: None,
    };

    /// Whether `other` is much the same: no reason to tell it.
    #[must_use]
    pub fn is_much_like(&self, other: &Self) -> bool {
        let millis = |lag: Option<Duration>| lag.map(millis);
        near(self.bytes_per_second, other.bytes_per_second, 8, 1_024)
            && near(self.records_per_second, other.records_per_second, 8, 1)
            && near(self.busy_permille, other.busy_permille, 4, 100)
            && near(millis(self.lag), millis(other.lag), 2, 10_000)
    }
}

/// Whether two figures differ by no more than this part of the greater, or by no more than `least`.
fn near(a: Option<u64>, b: Option<u64>, part: u64, least: u64) -> bool {
    match (a, b) {
        (Some(a), Some(b)) => a.abs_diff(b) <= (a.max(b) / part).max(least),
        (a, b) => a == b,
    }
}

/// Whole milliseconds.
pub(super) fn millis(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}
