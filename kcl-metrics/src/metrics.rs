//! [`Metrics`], the observer that holds the metrics of one worker.

use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError},
};

use kcl_core::{
    env::{Clock, Env, Time},
    observe::Subject,
};

use crate::{
    facts::Facts,
    health::Health,
    sheet::Sheet,
    snapshot::Snapshot,
    table::Scope,
    text::{self, Format},
};
#[cfg(feature = "cloudwatch")]
use crate::{sheet::Further, table::Id};

/// The metrics of one worker. Give a clone to `WorkerBuilder::observer`. Clones are cheap and share
/// the metrics. Give each worker its own: two workers would be added up.
#[derive(Clone)]
pub struct Metrics(Arc<Inner>);

/// The metrics that all clones share.
struct Inner {
    clock: Arc<dyn Clock>,
    /// The application's name, from the first event.
    application: OnceLock<Arc<str>>,
    /// The counters that belong to no stream.
    worker: Sheet,
    facts: Mutex<Facts>,
}

impl Metrics {
    /// Metrics without any series yet.
    #[must_use]
    pub fn new() -> Self {
        Self::with_clock(Env::system().clock)
    }

    /// The same, for a worker whose environment has this clock.
    #[must_use]
    pub fn with_clock(clock: Arc<dyn Clock>) -> Self {
        let (application, facts) = (OnceLock::new(), Mutex::default());
        Self(Arc::new(Inner { clock, application, worker: Sheet::of(Scope::Worker), facts }))
    }

    /// The current value of each series. Empty before the first event of the worker.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        let Some(application) = self.0.application.get() else { return Snapshot::default() };
        Snapshot::of(application, &self.0.worker, &self.facts(), self.now())
    }

    /// The current value of each series, as a text for Prometheus.
    #[must_use]
    pub fn text(&self, format: Format) -> String {
        text::encode(self.snapshot(), format)
    }

    /// Whether the worker is alive, and whether it is ready.
    #[must_use]
    pub fn health(&self) -> Health {
        Health::of(&self.facts(), self.now())
    }

    /// Counts something that an exporter did. The worker's own metrics contain it.
    #[cfg(feature = "cloudwatch")]
    pub(crate) fn count(&self, id: Id, further: Further, count: u64) {
        self.0.worker.add(id, further, count);
    }

    pub(crate) fn now(&self) -> Time {
        self.0.clock.now()
    }

    /// Locks the state. The lock is held for a moment only, never during I/O or another lock.
    pub(crate) fn facts(&self) -> MutexGuard<'_, Facts> {
        self.0.facts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The counters that belong to no stream. Takes the application's name from `about`.
    pub(crate) fn worker(&self, about: &Subject) -> &Sheet {
        self.0.application.get_or_init(|| Arc::clone(&about.application));
        &self.0.worker
    }
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let application = self.0.application.get();
        f.debug_struct("Metrics").field("application", &application).finish_non_exhaustive()
    }
}
