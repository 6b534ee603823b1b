//! How far a lease got, and how much of that is stored: one write in flight, the newest wins.

use crate::{
    env::Time,
    lease::{Checkpoint, Progress},
};

/// The checkpoints of one lease under one epoch.
#[derive(Debug)]
pub(super) struct CheckpointState {
    stored: Checkpoint,
    newest: Checkpoint,
    progress: Progress,
    in_flight: bool,
    urgent: bool,
    /// When the next write is due, if there is anything to write.
    due_at: Time,
}

impl CheckpointState {
    pub(super) const fn new(stored: Checkpoint, newest: Checkpoint) -> Self {
        Self {
            stored,
            newest,
            progress: Progress::NONE,
            in_flight: false,
            urgent: false,
            due_at: Time::ZERO,
        }
    }

    /// Learns that everything up to `checkpoint` is processed.
    pub(super) fn advance(&mut self, checkpoint: Checkpoint, progress: Progress, urgent: bool) {
        if checkpoint.may_follow(&self.newest) {
            self.newest = checkpoint;
            self.progress = progress;
        }
        self.urgent |= urgent;
    }

    /// What to write now, if it is due by then; the write counts as in flight, and the one after
    /// it is due at `next`.
    pub(super) fn take_due(&mut self, by: Time, next: Time) -> Option<(Checkpoint, Progress)> {
        if self.next_write() > by {
            return None;
        }
        self.in_flight = true;
        self.urgent = false;
        self.due_at = next;
        Some((self.newest.clone(), self.progress))
    }

    /// When [`Self::take_due`] will have something.
    pub(super) fn next_write(&self) -> Time {
        if self.in_flight || !self.has_news() {
            Time::NEVER
        } else if self.is_awaited() {
            Time::ZERO
        } else {
            self.due_at
        }
    }

    /// Whether there is anything to write.
    fn has_news(&self) -> bool {
        self.newest != self.stored && !planted!(CheckpointOnlyAtRelease)
    }

    /// Whether somebody waits for the write.
    fn is_awaited(&self) -> bool {
        self.urgent || planted!(CheckpointAtEachBatch)
    }

    /// The write in flight ended: this is stored now.
    pub(super) fn on_stored(&mut self, stored: Checkpoint) {
        self.in_flight = false;
        if stored.may_follow(&self.newest) {
            self.newest.clone_from(&stored);
        }
        self.stored = stored;
    }

    /// The write in flight failed, or nobody knows: it is written again at `at`.
    pub(super) const fn on_failed(&mut self, at: Time) {
        self.in_flight = false;
        self.due_at = at;
        // A reply that is lost must not keep whoever waits for it from the next try.
        self.urgent = false;
    }

    pub(super) const fn newest(&self) -> (&Checkpoint, Progress) {
        (&self.newest, self.progress)
    }

    /// Whether a release can leave the stored checkpoint as it is.
    pub(super) fn is_stored(&self) -> bool {
        self.newest == self.stored && !self.in_flight || planted!(ReleasedWithoutCheckpoint)
    }
}
