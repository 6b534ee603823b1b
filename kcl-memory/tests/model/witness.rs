//! What has happened at least once in a search: without it, "nothing was violated" might mean
//! "nothing was tried".

use std::sync::atomic::{AtomicBool, Ordering};

/// Something that a search must have come across.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Event {
    TakenByForce,
    TakenByForceFromADeafOwner,
    OwnRowAcquiredAnew,
    TakenFromAnEndedSession,
    TakenFromAFormerLife,
    AcquireRefused,
    AcquireLandsWhenNobodyWaits,
    GrantTooLate,
    CancelledGrantGivenBack,
    ReleaseLandsAfterAnAcquire,
    FencedSessionsCheckpointRefused,
    OldCheckpointRefused,
    RecordProcessedTwice,
    FenceLands,
    FenceOutrunByABeat,
    ShardEnded,
    EndedRowAcquired,
    ChildTaken,
}

impl Event {
    pub(crate) const COUNT: usize = Self::ChildTaken as usize + 1;
}

/// Which events a search has come across.
#[derive(Debug, Default)]
pub(crate) struct Witness([AtomicBool; Event::COUNT]);

impl Witness {
    pub(crate) fn saw(&self, event: Event) {
        let seen = &self.0[event as usize];
        // Looked at first: a store would take the cache line from the other thread.
        if !seen.load(Ordering::Relaxed) {
            seen.store(true, Ordering::Relaxed);
        }
    }

    pub(crate) fn has_seen(&self, event: Event) -> bool {
        self.0[event as usize].load(Ordering::Relaxed)
    }
}
