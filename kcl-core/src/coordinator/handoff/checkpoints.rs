//! The checkpoint state of one lease: the newest processed position, and the checkpoint that the
//! store holds. It decides when a write is due; it sends none.

use crate::{
    env::Time,
    lease::{Checkpoint, Progress},
};

/// The checkpoint state of one lease under one epoch.
#[derive(Debug)]
pub(super) struct CheckpointState {
    /// The checkpoint that the store is known to hold.
    stored: Checkpoint,
    /// Every record up to here was processed.
    newest: Checkpoint,
    /// The progress that is written with `newest`.
    progress: Progress,
    /// Whether a write is under way.
    in_flight: bool,
    /// Whether a processor waits until `newest` is stored.
    urgent: bool,
    /// When the next regular write is due, if there is something to write.
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

    /// Learns that every record up to `checkpoint` was processed. An older checkpoint is ignored.
    pub(super) fn advance(&mut self, checkpoint: Checkpoint, progress: Progress, urgent: bool) {
        if checkpoint.may_follow(&self.newest) {
            self.newest = checkpoint;
            self.progress = progress;
        }
        self.urgent |= urgent;
    }

    /// The checkpoint to write, if a write is due at `by`. It counts as in flight from now on; the
    /// next regular write is due at `next`.
    pub(super) fn take_due(&mut self, by: Time, next: Time) -> Option<(Checkpoint, Progress)> {
        if self.next_write() > by {
            return None;
        }
        self.in_flight = true;
        self.urgent = false;
        self.due_at = next;
        Some((self.newest.clone(), self.progress))
    }

    /// When [`Self::take_due`] returns a checkpoint; [`Time::NEVER`] while a write is under way or
    /// there is nothing to write.
    pub(super) fn next_write(&self) -> Time {
        if self.in_flight || !self.has_news() {
            Time::NEVER
        } else if self.is_awaited() {
            Time::ZERO
        } else {
            self.due_at
        }
    }

    /// Whether something was processed that is not stored.
    fn has_news(&self) -> bool {
        self.newest != self.stored && !planted!(CheckpointOnlyAtRelease)
    }

    /// Whether a processor waits for the write.
    fn is_awaited(&self) -> bool {
        self.urgent || planted!(CheckpointAtEachBatch)
    }

    /// The write in flight ended: the store holds `stored`.
    pub(super) fn on_stored(&mut self, stored: Checkpoint) {
        self.in_flight = false;
        if stored.may_follow(&self.newest) {
            self.newest.clone_from(&stored);
        }
        self.stored = stored;
    }

    /// The write in flight failed, or its outcome is unknown: the next write is due at `at`.
    pub(super) const fn on_failed(&mut self, at: Time) {
        self.in_flight = false;
        self.due_at = at;
        // The next regular write serves the processor that waits. An urgent retry would be sent
        // without a pause.
        self.urgent = false;
    }

    /// The newest processed checkpoint, stored or not.
    pub(super) const fn newest(&self) -> (&Checkpoint, Progress) {
        (&self.newest, self.progress)
    }

    /// Whether the store holds the newest checkpoint, so that a release need not carry it.
    pub(super) fn is_stored(&self) -> bool {
        self.newest == self.stored && !self.in_flight || planted!(ReleasedWithoutCheckpoint)
    }
}
