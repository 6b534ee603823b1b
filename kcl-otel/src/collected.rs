//! The snapshot that the instruments report from. The SDK asks each instrument by itself; all of
//! them share one snapshot in each collection.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use kcl_core::env::{Clock, Env, Time};
use kcl_metrics::{Id, Metrics, Series, Snapshot};
use opentelemetry::KeyValue;

/// How long a snapshot is shared: instruments that are asked within this time belong to the same
/// collection.
const ONE_COLLECTION: Duration = Duration::from_millis(100);

/// The metrics of a worker, and the last snapshot.
#[derive(Debug)]
pub(crate) struct Collected {
    metrics: Metrics,
    /// The attributes that every value gets besides its labels.
    attributes: Vec<KeyValue>,
    clock: Arc<dyn Clock>,
    last: Mutex<Option<(Time, Arc<Snapshot>)>>,
}

impl Collected {
    /// The metrics of a worker, before the first collection.
    pub(crate) fn new(metrics: Metrics, attributes: Vec<KeyValue>) -> Self {
        Self { metrics, attributes, clock: Env::system().clock, last: Mutex::default() }
    }

    /// The snapshot of the current collection; takes a new one if the last is too old.
    fn snapshot(&self) -> Arc<Snapshot> {
        let now = self.clock.now();
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        match &*last {
            Some((at, snapshot)) if now.since(*at) < ONE_COLLECTION => Arc::clone(snapshot),
            _ => {
                let snapshot = Arc::new(self.metrics.snapshot());
                *last = Some((now, Arc::clone(&snapshot)));
                snapshot
            }
        }
    }

    /// Calls `tell` for each series of an instrument, with its attributes.
    pub(crate) fn each(&self, id: Id, mut tell: impl FnMut(&Series, Vec<KeyValue>)) {
        for series in self.snapshot().series().iter().filter(|it| it.instrument.id == id) {
            let labels = series.labels.iter();
            let labels =
                labels.map(|(label, value)| KeyValue::new(label.as_str(), Arc::clone(value)));
            tell(series, labels.chain(self.attributes.iter().cloned()).collect());
        }
    }
}
