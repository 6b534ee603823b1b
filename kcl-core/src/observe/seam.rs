//! The seam: the one place through which every event, call and batch of a worker passes to the
//! observers.
//!
//! The wrappers in [`super::store`] and [`super::source`] and the worker itself report to the seam,
//! and the seam calls each observer in turn, on the same thread. It catches the panic of an
//! observer, so that it harms neither the worker nor the other observers.

use std::{
    fmt,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
    time::Duration,
};

use super::{
    event::WorkerEvent,
    log::Log,
    observer::{BatchEnded, KeeperTurn, Observer, SourceCallEnded, StoreCallEnded, Subject},
};
use crate::{
    env::{Clock, Time},
    lease::{LeaseKey, WorkerId},
    processor::RecordBatch,
};

/// Passes facts to all observers. A clone is cheap and refers to the same observers.
#[derive(Clone)]
pub(crate) struct Seam(Arc<Inner>);

struct Inner {
    subject: Subject,
    clock: Arc<dyn Clock>,
    observers: Vec<Arc<dyn Observer>>,
}

impl Seam {
    /// Makes a seam that passes facts to the log, and then to these observers in this order.
    /// `worker` is `None` for a command, which has no worker.
    pub(crate) fn new(
        application: &str,
        worker: Option<WorkerId>,
        clock: Arc<dyn Clock>,
        observers: impl IntoIterator<Item = Arc<dyn Observer>>,
    ) -> Self {
        let subject = Subject::new(application.into(), worker);
        let log: Arc<dyn Observer> = Arc::new(Log::new(Arc::clone(&clock)));
        let observers = std::iter::once(log).chain(observers).collect();
        Self(Arc::new(Inner { subject, clock, observers }))
    }

    pub(super) fn now(&self) -> Time {
        self.0.clock.now()
    }

    pub(super) fn clock(&self) -> &dyn Clock {
        &*self.0.clock
    }

    /// The subject of facts about the whole worker.
    pub(super) fn subject(&self) -> &Subject {
        &self.0.subject
    }

    /// The subject of facts about this lease.
    pub(crate) fn about(&self, key: &LeaseKey) -> Subject {
        self.0.subject.of_lease(key)
    }

    /// Passes an event, with its lease as the subject if it has one.
    pub(crate) fn event(&self, event: &WorkerEvent) {
        match event.lease() {
            Some(key) => {
                let about = self.about(key);
                self.each(|observer| observer.event(&about, event));
            }
            None => self.each(|observer| observer.event(&self.0.subject, event)),
        }
    }

    /// Passes a turn of the keeper's loop.
    pub(crate) fn keeper_turn(&self, next: Time, late: Duration) {
        let turn = KeeperTurn { next, late };
        self.each(|observer| observer.keeper_turn(&self.0.subject, &turn));
    }

    pub(super) fn store_call(&self, call: &StoreCallEnded<'_>) {
        self.each(|observer| observer.store_call(&self.0.subject, call));
    }

    pub(super) fn source_call(&self, about: &Subject, call: &SourceCallEnded<'_>) {
        self.each(|observer| observer.source_call(about, call));
    }

    pub(super) fn batch_begins(&self, about: &Subject, batch: &RecordBatch) {
        self.each(|observer| observer.batch_begins(about, batch));
    }

    pub(super) fn batch(&self, about: &Subject, batch: &BatchEnded<'_>) {
        self.each(|observer| observer.batch(about, batch));
    }

    /// Calls each observer, and catches its panic.
    fn each(&self, tell: impl Fn(&dyn Observer)) {
        for observer in &self.0.observers {
            let _ = catch_unwind(AssertUnwindSafe(|| tell(&**observer)));
        }
    }
}

impl fmt::Debug for Seam {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Seam").field("subject", &self.0.subject).finish_non_exhaustive()
    }
}
