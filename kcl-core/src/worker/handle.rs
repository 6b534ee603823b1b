//! A hold on a running worker.

use std::fmt;

use tokio::sync::{broadcast, mpsc};

use super::{WorkerEvent, WorkerStatus};
use crate::{
    assignment::placement::Declaration,
    coordinator::Event,
    lease::WorkerId,
    observe::{StatusBoard, Told},
};

/// A hold on a running worker. Cheap to clone; dropping it changes nothing.
#[derive(Clone)]
pub struct WorkerHandle {
    pub(super) events: mpsc::UnboundedSender<Event>,
    pub(super) told: Told,
    pub(super) status: StatusBoard,
    pub(super) id: WorkerId,
    pub(super) declared: mpsc::UnboundedSender<Declaration>,
}

impl WorkerHandle {
    /// This worker's name.
    #[must_use]
    pub const fn id(&self) -> &WorkerId {
        &self.id
    }

    /// Asks the worker to hand every lease over and leave. Its `run` then returns.
    pub fn shut_down(&self) {
        // A worker that is over needs no telling.
        let _ = self.events.send(Event::Leave);
    }

    /// The map that the worker declares is another one now: a mounted file has changed. It is
    /// applied if the one before was in force, or if it is new.
    pub fn declare(&self, declaration: Declaration) {
        // A worker that is over states nothing any more.
        let _ = self.declared.send(declaration);
    }

    /// What happens from now on. A listener that falls behind misses events and is told so.
    #[must_use]
    pub fn events(&self) -> broadcast::Receiver<WorkerEvent> {
        self.told.subscribe()
    }

    /// What the worker is doing now.
    #[must_use]
    pub fn status(&self) -> WorkerStatus {
        self.status.snapshot()
    }
}

impl fmt::Debug for WorkerHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WorkerHandle").field("id", &self.id).finish_non_exhaustive()
    }
}
