//! The status of a worker, which its handle returns.

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

/// A copy of a worker's status. [`crate::worker::WorkerHandle::status`] returns it.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct WorkerStatus {
    /// The newest session of the worker; `None` before it registered one.
    pub session: Option<SessionId>,
    /// Whether the session is valid. While it is not, the worker gives no batch to a processor.
    pub valid: bool,
    /// Whether this worker is the planner.
    pub planning: bool,
    /// The leases that the worker holds.
    pub leases: BTreeMap<LeaseKey, LeaseStatus>,
}

/// The status of one held lease.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct LeaseStatus {
    /// The epoch under which the worker holds the lease.
    pub epoch: Epoch,
    /// The position of the last record processed or skipped under this epoch; `None` before the
    /// first. It may be ahead of the stored checkpoint.
    pub position: Option<Position>,
    /// The age of the last processed record when its processing ended; `None` if unknown.
    pub lag: Option<Duration>,
    /// How far the last processed batch, or a later empty read, was behind the newest record, in
    /// milliseconds; `None` if the source did not say.
    pub millis_behind: Option<u64>,
    /// The number of records processed or skipped under this epoch.
    pub records: u64,
    /// When a batch with records was last processed, on the worker's clock.
    pub progressed_at: Option<Time>,
    /// The measured load of the shard, over about the last minute.
    pub load: Load,
}

/// The observer that keeps the status up to date. Clones share it.
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

    /// Sets the session valid. The keeper calls it after each answered beat.
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
        // Only an empty answer: records that are read ahead say nothing of the processing.
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
