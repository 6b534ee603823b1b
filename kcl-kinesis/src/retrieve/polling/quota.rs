//! [`Quota`]: the rate limits of one shard, shared by all of its readers in this process.

use std::sync::{
    Arc, Mutex, MutexGuard, PoisonError,
    atomic::{AtomicBool, Ordering},
};

use kcl_core::env::{Rng, Time};

use super::pace::Pace;

/// A kind of call. Each kind has its own rate limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Call {
    Records,
    Iterator,
}

impl Call {
    /// The name of the operation in the API of Kinesis.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Records => "GetRecords",
            Self::Iterator => "GetShardIterator",
        }
    }
}

/// True once the service has throttled a read of any shard of the stream.
///
/// Until then, reads are not limited, so a backlog is read at full speed: the first read above the
/// limit of Kinesis is throttled, at the cost of that one call, and from then on every reader of
/// the stream keeps to the documented limits. Servers without limits are never slowed down.
#[derive(Clone, Debug, Default)]
pub(super) struct Enforced(Arc<AtomicBool>);

/// The token buckets of one shard.
#[derive(Debug)]
pub(super) struct Quota {
    enforced: Enforced,
    buckets: Mutex<Buckets>,
}

#[derive(Debug)]
struct Buckets {
    records: Pace,
    iterators: Pace,
    jitter: Rng,
}

impl Quota {
    /// Creates the limits of one shard, with full buckets.
    pub(super) fn new(enforced: Enforced, jitter: Rng) -> Self {
        // Opening a reader needs up to three iterators at once; reads are sent one by one.
        let buckets = Buckets { records: Pace::new(1), iterators: Pace::new(5), jitter };
        Self { enforced, buckets: Mutex::new(buckets) }
    }

    /// The earliest time for the next call of this kind.
    pub(super) fn ready(&self, call: Call) -> Time {
        match call {
            Call::Records if !self.enforced.0.load(Ordering::Relaxed) => Time::ZERO,
            Call::Records => self.buckets().records.ready(),
            Call::Iterator => self.buckets().iterators.ready(),
        }
    }

    /// Records that a call is sent.
    pub(super) fn sent(&self, call: Call, now: Time) {
        self.buckets().of(call).sent(now);
    }

    /// Records an answer with this many bytes of records.
    pub(super) fn answered(&self, call: Call, now: Time, bytes: u64) {
        self.buckets().of(call).answered(now, bytes);
    }

    /// Records that a call was throttled.
    pub(super) fn refused(&self, call: Call, now: Time) {
        if call == Call::Records {
            self.enforced.0.store(true, Ordering::Relaxed);
        }
        let mut buckets = self.buckets();
        let Buckets { records, iterators, jitter } = &mut *buckets;
        match call {
            Call::Records => records.refused(now, jitter),
            Call::Iterator => iterators.refused(now, jitter),
        }
    }

    fn buckets(&self) -> MutexGuard<'_, Buckets> {
        self.buckets.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Buckets {
    const fn of(&mut self, call: Call) -> &mut Pace {
        match call {
            Call::Records => &mut self.records,
            Call::Iterator => &mut self.iterators,
        }
    }
}
