//! [`Pace`]: a rate limit for the calls to one shard.

use std::time::Duration;

use kcl_core::env::{Rng, Time};

/// The limit of the service for one shard, over all applications together.
///
/// Source: Kinesis Data Streams quotas, "`GetRecords`: 5 transactions per second per shard, 2 MiB
/// per second per shard" and "`GetShardIterator`: 5 transactions per second per shard". After an
/// answer of 10 MiB, the service refuses the calls of the next 5 seconds.
const CALLS_PER_SECOND: u32 = 5;
const BYTES_PER_SECOND: u64 = 2 << 20;
const LONGEST_DEBT: Duration = Duration::from_secs(5);

/// The time between two calls at the full rate.
pub(crate) const CALL_INTERVAL: Duration = Duration::from_millis(200);

/// A token bucket for the calls of one kind to one shard. Its rate adapts to the other applications
/// that read the shard: additive increase, multiplicative decrease (AIMD).
///
/// The state of the bucket is the time at which it will be full again.
#[derive(Clone, Debug)]
pub(crate) struct Pace {
    /// The number of calls that may be sent at once.
    burst: u32,
    /// The share of the service's limit that this process uses, in thousandths.
    share: u32,
    /// The time at which the bucket of calls will be full again.
    calls_paid: Time,
    /// The time at which the bucket of bytes will be full again.
    bytes_paid: Time,
}

const WHOLE: u32 = 1_000;
const LEAST: u32 = WHOLE / 32;
const STEP: u32 = WHOLE / 20;

impl Pace {
    /// Creates a full bucket for `burst` calls.
    pub(crate) const fn new(burst: u32) -> Self {
        Self { burst, share: WHOLE, calls_paid: Time::ZERO, bytes_paid: Time::ZERO }
    }

    /// The earliest time for the next call.
    pub(crate) fn ready(&self) -> Time {
        let credit = self.interval() * (self.burst - 1);
        (self.calls_paid - credit).max(self.bytes_paid)
    }

    /// Records that a call is sent.
    pub(crate) fn sent(&mut self, now: Time) {
        self.calls_paid = self.calls_paid.max(now) + self.interval();
    }

    /// Records an answer of this many bytes.
    pub(crate) fn answered(&mut self, now: Time, bytes: u64) {
        let price = Duration::from_micros(bytes.saturating_mul(1_000_000) / BYTES_PER_SECOND);
        let paid = self.bytes_paid.max(now) + self.of_share(price);
        self.bytes_paid = paid.min(now + LONGEST_DEBT);
        self.share = (self.share + STEP).min(WHOLE);
    }

    /// Records that a call was throttled. The jitter keeps readers that were throttled together
    /// from trying again together.
    pub(crate) fn refused(&mut self, now: Time, jitter: &mut Rng) {
        self.share = (self.share / 2).max(LEAST);
        let pause = self.interval();
        self.calls_paid = now + pause * self.burst + jitter.span(pause / 2);
    }

    /// The time between two calls at the present share.
    fn interval(&self) -> Duration {
        self.of_share(Duration::from_secs(1) / CALLS_PER_SECOND)
    }

    /// The span for the present share: longer if the share is smaller.
    fn of_share(&self, span: Duration) -> Duration {
        span * WHOLE / self.share
    }
}
