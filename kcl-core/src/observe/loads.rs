//! Measures the load of each lease that a worker holds, from the calls and batches that observers
//! get. [`super::meter`] computes; this module keeps one meter for each held lease.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use super::{
    event::WorkerEvent,
    meter::{Arrived, LoadMeter},
    observer::{BatchEnd, BatchEnded, Observer, SourceCallEnd, SourceCallEnded, Subject},
};
use crate::{
    env::Clock,
    lease::{LeaseKey, Load, report::WorkerReport},
    processor::RecordBatch,
};

/// The meters of all leases that a worker holds. Clones share them.
#[derive(Clone, Debug)]
pub(crate) struct LoadBoard {
    meters: Arc<Mutex<BTreeMap<LeaseKey, LoadMeter>>>,
    clock: Arc<dyn Clock>,
}

impl LoadBoard {
    pub(crate) fn new(clock: Arc<dyn Clock>) -> Self {
        Self { meters: Arc::default(), clock }
    }

    /// The load of a lease; [`Load::UNKNOWN`] if the worker does not hold it.
    pub(crate) fn of(&self, key: &LeaseKey) -> Load {
        let now = self.clock.now();
        self.meters().get_mut(key).map_or(Load::UNKNOWN, |meter| meter.load(now))
    }

    /// A report with the loads of all held leases.
    pub(crate) fn report(&self) -> WorkerReport {
        let now = self.clock.now();
        let mut meters = self.meters();
        let loads = meters.iter_mut().map(|(key, meter)| (key.clone(), meter.load(now)));
        WorkerReport::of_loads(loads)
    }

    fn with(&self, about: &Subject, change: impl FnOnce(&mut LoadMeter)) {
        if let Some(key) = &about.lease
            && let Some(meter) = self.meters().get_mut(key)
        {
            change(meter);
        }
    }

    fn meters(&self) -> MutexGuard<'_, BTreeMap<LeaseKey, LoadMeter>> {
        self.meters.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Observer for LoadBoard {
    fn event(&self, _: &Subject, event: &WorkerEvent) {
        match event {
            WorkerEvent::LeaseGained { key, .. } => {
                let meter = LoadMeter::new(self.clock.now());
                self.meters().insert(key.clone(), meter);
            }
            WorkerEvent::LeaseLost { key, .. } | WorkerEvent::ShardEnded { key, .. } => {
                self.meters().remove(key);
            }
            _ => {}
        }
    }

    fn source_call(&self, about: &Subject, call: &SourceCallEnded<'_>) {
        if call.op == "open" {
            return self.with(about, LoadMeter::open);
        }
        if call.op != "next" || !matches!(call.end, SourceCallEnd::Done) {
            return;
        }
        let answer = Arrived {
            records: call.records as u64,
            bytes: call.bytes,
            lag: call.millis_behind.map(Duration::from_millis),
            age: call.last_arrival.map(|arrival| self.clock.wall().since(arrival)),
        };
        let now = self.clock.now();
        self.with(about, |meter| meter.read(now, answer));
    }

    fn batch_begins(&self, about: &Subject, _: &RecordBatch) {
        let now = self.clock.now();
        self.with(about, |meter| meter.begin(now));
    }

    fn batch(&self, about: &Subject, batch: &BatchEnded<'_>) {
        let now = self.clock.now();
        self.with(about, |meter| {
            meter.end(now);
            if batch.end == BatchEnd::Done {
                meter.process(batch.records() as u64);
            }
        });
    }
}
