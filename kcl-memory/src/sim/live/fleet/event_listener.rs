//! Listening to what a worker tells.

use std::sync::{Arc, Mutex, PoisonError};

use kcl_core::worker::WorkerEvent;
use tokio::sync::broadcast::{Receiver, error::TryRecvError};

use crate::sim::live::ledger::Book;

/// What a worker told and nobody heard yet. Clones share it.
#[derive(Clone, Default)]
pub(super) struct EventListener(Arc<Mutex<Option<Receiver<WorkerEvent>>>>);

impl EventListener {
    /// Listens from now on.
    pub(super) fn listen(&self, events: Receiver<WorkerEvent>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(events);
    }

    /// Writes down what was told.
    pub(super) fn hear(&self, process: &str, book: &Book) {
        let mut events = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(events) = events.as_mut() else { return };
        loop {
            match events.try_recv() {
                Ok(event) => note(process, book, event),
                // So many at once that some are missed: the next may still be of use.
                Err(TryRecvError::Lagged(_)) => {}
                Err(TryRecvError::Empty | TryRecvError::Closed) => return,
            }
        }
    }
}

fn note(process: &str, book: &Book, event: WorkerEvent) {
    let mut ledger = book.ledger();
    match event {
        WorkerEvent::RecordsLost { key, from, to, .. } => {
            ledger.lost(process, &key, (from.as_ref(), to.as_ref()));
        }
        WorkerEvent::RecordSkipped { at, .. } => ledger.skipped(process, &at),
        WorkerEvent::ProcessorPanicked { message, .. } => {
            ledger.note(process, format!("the processor of {process} panics: {message}"));
        }
        WorkerEvent::ShardStopped { key, reason, .. } => {
            ledger.note(process, format!("{process} stops {key}: {reason}"));
        }
        WorkerEvent::Lapsed => ledger.note(process, format!("{process} lapses")),
        WorkerEvent::Fenced { .. } => ledger.note(process, format!("{process} is fenced")),
        _ => {}
    }
}
