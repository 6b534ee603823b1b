//! What is known of a run, kept outside the code under test.
//!
//! Only what several invariants need is here; what one of them needs alone is its own state.

use kcl_core::env::Time;

use super::stream::ShardNo;

/// What is known of a run: given to invariants with each fact.
#[derive(Debug, Default)]
pub(super) struct Known {
    /// Records of each shard that are processed, or that nobody has to: all up to this one.
    done: Vec<u64>,
    /// What was processed of each before its lease was set back: an undo returns there.
    reached: Vec<u64>,
    /// When a lease last changed its owner.
    pub(super) last_change: Time,
    /// When the lease of each shard ended.
    ended: Vec<Time>,
    /// Until when what was sent before the store last went back may still land.
    pub(super) late_until: Time,
    /// The time of the fact that is being checked.
    pub(super) now: Time,
    /// Whether the application is closed: rows may be set back.
    pub(super) closed: bool,
    /// How many parts per million clocks run fast or slow, at most.
    pub(super) drift: u32,
}

impl Known {
    /// Of a run that has not begun, in which clocks drift by so many parts per million at most.
    pub(super) fn with_drift(drift: u32) -> Self {
        Self { drift, ..Self::default() }
    }

    /// Records up to this one are processed, or nobody has to process them.
    pub(super) fn done(&self, shard: ShardNo) -> u64 {
        self.done.get(shard).copied().unwrap_or(0)
    }

    /// How many records of a shard were ever processed.
    pub(super) fn reached(&self, shard: ShardNo) -> u64 {
        self.done(shard).max(self.reached.get(shard).copied().unwrap_or(0))
    }

    /// When the lease of a shard ended, if it has.
    pub(super) fn ended(&self, shard: ShardNo) -> Time {
        self.ended.get(shard).copied().unwrap_or(Time::ZERO)
    }

    pub(super) fn done_mut(&mut self, shard: ShardNo) -> &mut u64 {
        if self.done.len() <= shard {
            self.done.resize(shard + 1, 0);
        }
        &mut self.done[shard]
    }

    /// Its records are to be read again from `to` on.
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
