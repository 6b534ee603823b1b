//! A process of the fleet, and whether it is there.

use std::sync::{Arc, Mutex};

use kcl_core::worker::{WorkerError, WorkerHandle};

use super::{Process, event_listener::EventListener};

/// A process of the fleet.
pub(super) struct Member {
    pub(super) process: Process,
    pub(super) handle: WorkerHandle,
    pub(super) listener: EventListener,
    pub(super) leaving: bool,
    pub(super) exit: Exit,
}

/// How a worker's `run` ended, once it has.
pub(super) type Exit = Arc<Mutex<Option<Result<(), WorkerError>>>>;

impl Member {
    pub(super) fn is_up(&self) -> bool {
        !self.process.is_dead()
    }

    /// Whether it is there, and nobody asked it to leave.
    pub(super) fn stays(&self) -> bool {
        self.is_up() && !self.leaving
    }
}
