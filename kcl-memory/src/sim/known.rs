//! What is known of a run, kept outside the code under test.
//!
//! It has only what several invariants need. What one invariant needs alone is state of its own.

use kcl_core::env::Time;

use super::stream::ShardNo;

/// What is known of a run. The oracle gives it to the invariants with each fact.
#[derive(Debug, Default)]
pub(super) struct Known {
    /// For each shard the number of its first records that are processed, or that nobody has to
    /// process.
    done: Vec<u64>,
    /// For each shard the number of records that were processed before a reset set its lease back.
    /// The undo of the reset returns there.
    reached: Vec<u64>,
    /// When a lease of a shard last changed its owner.
    pub(super) last_change: Time,
    /// When the lease of each shard ended; zero if it has not.
    ended: Vec<Time>,
    /// Until when calls may arrive that were sent before the store last lost its writes.
    pub(super) late_until: Time,
    /// The time of the fact that the oracle checks.
    pub(super) now: Time,
    /// Whether the application is closed. Only then may a reset set lease rows back.
    pub(super) closed: bool,
    /// By how many parts per million clocks run fast or slow, at most.
    pub(super) drift: u32,
}

impl Known {
    /// What is known of a run that has not begun.
    pub(super) fn with_drift(drift: u32) -> Self {
        Self { drift, ..Self::default() }
    }

    /// How many of the first records of a shard are processed, or need not be.
    pub(super) fn done(&self, shard: ShardNo) -> u64 {
        self.done.get(shard).copied().unwrap_or(0)
    }

    /// How many records of a shard were ever processed, also before a reset.
    pub(super) fn reached(&self, shard: ShardNo) -> u64 {
        self.done(shard).max(self.reached.get(shard).copied().unwrap_or(0))
    }

    /// When the lease of a shard ended; zero if it has not.
    pub(super) fn ended(&self, shard: ShardNo) -> Time {
        self.ended.get(shard).copied().unwrap_or(Time::ZERO)
    }

    pub(super) fn done_mut(&mut self, shard: ShardNo) -> &mut u64 {
        if self.done.len() <= shard {
            self.done.resize(shard + 1, 0);
        }
        &mut self.done[shard]
    }

    /// A reset: the shard is to be read again from behind its record number `to`.
    pub(super) fn begin(&mut self, shard: ShardNo, to: u64) {
        let reached = self.reached(shard);
        if self.reached.len() <= shard {
            self.reached.resize(shard + 1, 0);
        }
        self.reached[shard] = reached;
        *self.done_mut(shard) = to;
    }

    pub(super) fn set_ended(&mut self, shard: ShardNo, at: Time) {
        if self.ended.len() <= shard {
            self.ended.resize(shard + 1, Time::ZERO);
        }
        self.ended[shard] = at;
    }
}
