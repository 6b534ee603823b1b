//! The channel behind `WorkerHandle::events`.

use tokio::sync::broadcast;

use super::{
    event::WorkerEvent,
    observer::{Observer, Subject},
};

/// The number of events that the channel keeps for a receiver that falls behind.
const EVENTS_KEPT: usize = 1_024;

/// Sends each event to all subscribers.
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
            // The last receiver may be gone by now.
            let _ = self.0.send(event.clone());
        }
    }
}
