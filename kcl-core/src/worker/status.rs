//! What a worker is doing, for whoever asks.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use crate::{
    env::{Clock, Time},
    lease::{Epoch, LeaseKey, SessionId},
    processor::RecordBatch,
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
}

/// The status, shared by the parts of a worker.
#[derive(Clone, Debug)]
pub(super) struct StatusBoard {
    status: Arc<Mutex<WorkerStatus>>,
    clock: Arc<dyn Clock>,
}

impl StatusBoard {
    pub(super) fn new(clock: Arc<dyn Clock>) -> Self {
        Self { status: Arc::default(), clock }
    }

    pub(super) fn snapshot(&self) -> WorkerStatus {
        self.status().clone()
    }

    pub(super) fn set_session(&self, session: Option<SessionId>) {
        self.status().session = session;
    }

    pub(super) fn set_valid(&self, valid: bool) {
        self.status().valid = valid;
    }

    pub(super) fn set_planning(&self, planning: bool) {
        self.status().planning = planning;
    }

    pub(super) fn hold(&self, key: &LeaseKey, epoch: Epoch) {
        let lease = LeaseStatus { epoch, ..LeaseStatus::default() };
        self.status().leases.insert(key.clone(), lease);
    }

    pub(super) fn forget(&self, key: &LeaseKey) {
        self.status().leases.remove(key);
    }

    pub(super) fn note_read(&self, key: &LeaseKey, millis_behind: Option<u64>) {
        if let Some(lease) = self.status().leases.get_mut(key) {
            lease.millis_behind = millis_behind;
        }
    }

    pub(super) fn note_processed(
        &self,
        key: &LeaseKey,
        batch: &RecordBatch,
        lag: Option<Duration>,
    ) {
        let now = self.clock.now();
        if let Some(lease) = self.status().leases.get_mut(key) {
            lease.position = batch.last_position().cloned();
            lease.lag = lag;
            lease.millis_behind = batch.millis_behind();
            lease.records += u64::try_from(batch.len()).unwrap_or(u64::MAX);
            lease.progressed_at = Some(now);
        }
    }

    fn status(&self) -> MutexGuard<'_, WorkerStatus> {
        self.status.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
