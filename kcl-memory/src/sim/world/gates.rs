//! What the gates of a host have instead of a runtime: a clock, and somebody who polls them.
//!
//! A gate (`kcl_core::worker::gate`) belongs to production: the keeper sets it, and a run awaits
//! it. Here nothing is awaited. The gate is polled once at each event that concerns its run, and if
//! it waits for a time, the run's next event is at that time.

use std::{
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    task::{Context, Poll, Waker},
};

use async_trait::async_trait;
use kcl_core::{
    coordinator::{Event, RunEvent},
    env::{Clock, Time, WallTime},
    lease::Epoch,
    settings::Delivery,
    worker::gate::{Gate, Validity},
};
use tokio::sync::mpsc;

/// Until when the session of a host is valid, and what its gates report.
#[derive(Debug)]
pub(super) struct Gates {
    pub(super) validity: Validity,
    clock: Arc<GateClock>,
    sender: mpsc::UnboundedSender<Event>,
    reported: mpsc::UnboundedReceiver<Event>,
}

/// What a gate answers to a run that wants to dispatch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Dispatchable {
    Now,
    /// Not yet: it is to be asked again at this time of the host's clock, and when it is set.
    Later(Time),
    Never,
}

impl Gates {
    pub(super) fn new() -> Self {
        let clock = Arc::new(GateClock::default());
        let validity = Validity::new(Arc::<GateClock>::clone(&clock));
        let (sender, reported) = mpsc::unbounded_channel();
        Self { validity, clock, sender, reported }
    }

    /// The gate of a run that begins.
    pub(super) fn open(&self, epoch: Epoch) -> Gate {
        Gate::new(epoch, self.validity.clone(), &Delivery::default(), self.sender.clone())
    }

    /// The host's clock shows this time now.
    pub(super) fn show(&self, now: Time) {
        self.clock.now.store(now.as_micros(), Ordering::Relaxed);
    }

    /// Whether a run may give its processor a new batch.
    pub(super) fn ask(&self, gate: &Gate) -> Dispatchable {
        self.clock.wake.store(Time::NEVER.as_micros(), Ordering::Relaxed);
        match pin!(gate.dispatchable()).poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(true) => Dispatchable::Now,
            Poll::Ready(false) => Dispatchable::Never,
            Poll::Pending => {
                let wake = self.clock.wake.load(Ordering::Relaxed);
                Dispatchable::Later(Time::from_micros(wake))
            }
        }
    }

    /// The next of what gates have reported.
    pub(super) fn next_report(&mut self) -> Option<RunEvent> {
        match self.reported.try_recv() {
            Ok(Event::Run(event)) => Some(event),
            // Gates report nothing else.
            _ => None,
        }
    }
}

/// The clock of a host, as its gates see it: it stands still during an event.
#[derive(Debug, Default)]
struct GateClock {
    now: AtomicU64,
    /// Until when the gate that was polled last wants to sleep.
    wake: AtomicU64,
}

#[async_trait]
impl Clock for GateClock {
    fn now(&self) -> Time {
        Time::from_micros(self.now.load(Ordering::Relaxed))
    }

    fn wall(&self) -> WallTime {
        WallTime::default()
    }

    async fn sleep_until(&self, at: Time) {
        self.wake.store(at.as_micros(), Ordering::Relaxed);
        std::future::pending::<()>().await;
    }
}
