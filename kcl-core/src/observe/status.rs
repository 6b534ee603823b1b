//! What a worker is doing, for whoever asks.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use super::{
    event::WorkerEvent,
    loads::LoadBoard,
    observer::{BatchEnd, BatchEnded, Observer, SourceCallEnded, Subject},
};
use crate::{
    env::{Clock, Time},
    lease::{Epoch, LeaseKey, Load, SessionId},
    stream::Position,
};

/// What a worker is doing.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct WorkerStatus {
    /// Its session, once it is registered.
    pub session: Option<SessionId>,
    /// Whether its session is valid: while it is not, nothing is dispatched.
    pub valid: bool,
    /// Whether it plans for the fleet.
    pub planning: bool,
    /// The leases it holds.
    pub leases: BTreeMap<LeaseKey, LeaseStatus>,
}

/// What is known of a held lease.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct LeaseStatus {
    /// Its fencing token.
    pub epoch: Epoch,
    /// The last record processed under it, if any.
    pub position: Option<Position>,
    /// How old that record was when it was processed.
    pub lag: Option<Duration>,
    /// How far behind the newest record the source said it was, in milliseconds.
    pub millis_behind: Option<u64>,
    /// Records processed under it.
    pub records: u64,
    /// When a record was last processed, on the worker's clock.
    pub progressed_at: Option<Time>,
    /// How heavy it is, over the last minute or so.
    pub load: Load,
}

/// The status, shared by the parts of a worker.
#[derive(Clone, Debug)]
pub(crate) struct StatusBoard {
    status: Arc<Mutex<WorkerStatus>>,
    loads: LoadBoard,
    clock: Arc<dyn Clock>,
}

impl StatusBoard {
    pub(crate) fn new(loads: LoadBoard, clock: Arc<dyn Clock>) -> Self {
        Self { status: Arc::default(), loads, clock }
    }

    pub(crate) fn snapshot(&self) -> WorkerStatus {
        let mut status = self.status().clone();
        for (key, lease) in &mut status.leases {
            lease.load = self.loads.of(key);
        }
        status
    }

    /// The session is valid for a while.
    pub(crate) fn be_valid(&self) {
        self.status().valid = true;
    }

    fn status(&self) -> MutexGuard<'_, WorkerStatus> {
        self.status.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn with(&self, about: &Subject, change: impl FnOnce(&mut LeaseStatus)) {
        if let Some(key) = &about.lease
            && let Some(lease) = self.status().leases.get_mut(key)
        {
            change(lease);
        }
    }
}

impl Observer for StatusBoard {
    fn event(&self, about: &Subject, event: &WorkerEvent) {
        use WorkerEvent as E;
        match event {
            E::Registered { session } => self.status().session = Some(session.clone()),
            E::Lapsed => self.status().valid = false,
            E::PlanningStarted { .. } => self.status().planning = true,
            E::PlanningStopped { .. } => self.status().planning = false,
            E::LeaseGained { key, epoch } => {
                let lease = LeaseStatus { epoch: *epoch, ..LeaseStatus::default() };
                self.status().leases.insert(key.clone(), lease);
            }
            E::LeaseLost { key, .. } | E::ShardEnded { key, .. } => {
                self.status().leases.remove(key);
            }
            E::RecordSkipped { at, .. } => self.with(about, |lease| {
                lease.position = Some(at.clone());
                lease.records += 1;
            }),
            _ => {}
        }
    }

    fn source_call(&self, about: &Subject, call: &SourceCallEnded<'_>) {
        // What was read and is not processed yet says nothing of how far processing is.
        if call.is_empty_answer() {
            self.with(about, |lease| lease.millis_behind = call.millis_behind);
        }
    }

    fn batch(&self, about: &Subject, batch: &BatchEnded<'_>) {
        if batch.end != BatchEnd::Done || batch.records() == 0 {
            return;
        }
        let now = self.clock.now();
        self.with(about, |lease| {
            lease.position = batch.last_position().cloned();
            lease.lag = batch.lag;
            lease.millis_behind = batch.millis_behind();
            lease.records += batch.records() as u64;
            lease.progressed_at = Some(now);
        });
    }
}
