//! Watches and stops a running worker from outside.

use std::fmt;

use tokio::sync::{broadcast, mpsc};

use super::{WorkerEvent, WorkerStatus};
use crate::{
    assignment::placement::Declaration,
    coordinator::Event,
    lease::WorkerId,
    observe::{StatusBoard, Told},
};

/// Watches and stops one worker. [`super::Worker::handle`] makes it, before the worker runs.
///
/// A clone is cheap and refers to the same worker. Dropping a handle does not stop the worker. A
/// call after the worker has ended has no effect.
#[derive(Clone)]
pub struct WorkerHandle {
    pub(super) events: mpsc::UnboundedSender<Event>,
    pub(super) told: Told,
    pub(super) status: StatusBoard,
    pub(super) id: WorkerId,
    pub(super) declared: mpsc::UnboundedSender<Declaration>,
}

impl WorkerHandle {
    /// This worker's id.
    #[must_use]
    pub const fn id(&self) -> &WorkerId {
        &self.id
    }

    /// Asks the worker to release every lease and to leave, and returns at once.
    /// [`super::Worker::run`] returns when the worker has left; the worker waits for running
    /// batches for at most the setting `shutdown_grace`.
    pub fn shut_down(&self) {
        // A worker that has ended needs no request to leave.
        let _ = self.events.send(Event::Leave);
    }

    /// Replaces the placement rules that this worker declares, for example because a mounted file
    /// has changed. The worker writes them to the store if its former rules were in force, or if
    /// nobody ever declared these rules before. Rules that the operator has set by command stay in
    /// force. The outcome is an event: [`WorkerEvent::RulesDeclared`] or
    /// [`WorkerEvent::RulesPassedOver`].
    pub fn declare(&self, declaration: Declaration) {
        // A worker that has ended declares nothing.
        let _ = self.declared.send(declaration);
    }

    /// Subscribes to the events that happen after this call. The channel keeps the newest 1,024
    /// events; a receiver that falls further behind gets
    /// [`RecvError::Lagged`](broadcast::error::RecvError::Lagged) with the number of events that it
    /// missed. An [`Observer`](crate::observe::Observer) misses none.
    #[must_use]
    pub fn events(&self) -> broadcast::Receiver<WorkerEvent> {
        self.told.subscribe()
    }

    /// Copies the worker's present status: its session, its leases, and how far each shard is
    /// processed.
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
