//! The channel of events that a worker's handle gives out.

use tokio::sync::broadcast;

use super::{
    event::WorkerEvent,
    observer::{Observer, Subject},
};

/// Events kept for a listener that is behind.
const EVENTS_KEPT: usize = 1_024;

/// Tells whoever subscribed what happens.
#[derive(Clone, Debug)]
pub(crate) struct Told(broadcast::Sender<WorkerEvent>);

impl Told {
    pub(crate) fn new() -> Self {
        Self(broadcast::channel(EVENTS_KEPT).0)
    }

    pub(crate) fn subscribe(&self) -> broadcast::Receiver<WorkerEvent> {
        self.0.subscribe()
    }
}

impl Observer for Told {
    fn event(&self, _: &Subject, event: &WorkerEvent) {
        if self.0.receiver_count() > 0 {
            // Whoever listened may be gone by now.
            let _ = self.0.send(event.clone());
        }
    }
}
