//! What one shard still allows, over all of its readers in this process.

use std::sync::{
    Arc, Mutex, MutexGuard, PoisonError,
    atomic::{AtomicBool, Ordering},
};

use kcl_core::env::{Rng, Time};

use super::pace::Pace;

/// The kinds of call that have a limit of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Call {
    Records,
    Iterator,
}

impl Call {
    /// The operation, as the service calls it.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Records => "GetRecords",
            Self::Iterator => "GetShardIterator",
        }
    }
}

/// Whether the service has been seen to enforce its limits on reading, anywhere on the stream.
///
/// Until then reads are not spaced, so that a backlog is read as fast as it comes: Kinesis answers
/// the first read too many with a refusal, which costs nothing but itself, and from then on every
/// reader of the stream keeps to the documented limits. Servers without limits are not slowed down.
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
    pub(super) fn new(enforced: Enforced, jitter: Rng) -> Self {
        // Opening a reader takes up to three iterators at once; reads follow one another.
        let buckets = Buckets { records: Pace::new(1), iterators: Pace::new(5), jitter };
        Self { enforced, buckets: Mutex::new(buckets) }
    }

    /// When the next call of this kind may be sent.
    pub(super) fn ready(&self, call: Call) -> Time {
        match call {
            Call::Records if !self.enforced.0.load(Ordering::Relaxed) => Time::ZERO,
            Call::Records => self.buckets().records.ready(),
            Call::Iterator => self.buckets().iterators.ready(),
        }
    }

    /// A call is being sent.
    pub(super) fn sent(&self, call: Call, now: Time) {
        self.buckets().of(call).sent(now);
    }

    /// A call was answered with so many bytes of records.
    pub(super) fn answered(&self, call: Call, now: Time, bytes: u64) {
        self.buckets().of(call).answered(now, bytes);
    }

    /// A call was refused for its rate.
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
