//! Runs one held lease: reads its shard, delivers its records, and ends.
//!
//! | file | part |
//! |---|---|
//! | `context` | [`Run`]: one lease under one epoch, and what all runs share |
//! | `fetch` | the fetcher, a task that reads ahead |
//! | `deliver`, `finish` | delivery: calls the processor with batches, and at the end |
//! | `retry`, `sticking`, `rewind` | which records of a failing batch are delivered next |
//! | `backoff` | pauses between retries |
//!
//! A run takes orders from its gate alone and answers with [`RunNews`]. It writes nothing to the
//! store; the keeper writes checkpoints, releases and ends.

mod backoff;
mod context;
mod deliver;
mod fetch;
mod finish;
mod retry;
mod rewind;
mod sticking;

pub(super) use backoff::Backoff;
pub use context::DeadLetter;
pub(super) use context::{Run, Shared};

use std::{sync::Arc, time::Duration};

use tokio::sync::mpsc;
use tracing::Instrument;

use self::{
    deliver::{Delivering, Exit, Flow},
    fetch::{CLOSING, Fetcher},
};
use super::{
    catch::CatchPanic,
    gate::{Gate, GateState},
};
use crate::{
    coordinator::RunNews, env::TaskHandle, lease::LeaseKey, observe::WorkerEvent, stream::StartAt,
};

impl Run {
    /// Reads and delivers until the shard ends or the gate stops the run. It first waits for
    /// `former`, the run of the same shard before this one, so that two of them never overlap in
    /// one worker. A panic in the user's factory, source or dead-letter sink ends the run; it then
    /// has the keeper release the lease.
    pub(super) async fn work(self, former: Option<TaskHandle>) {
        if let Some(former) = former {
            former.join().await;
        }
        let end = LastWord::of(&self);
        if let Err(message) = CatchPanic(Box::pin(self.read())).await {
            end.give_back(&message).await;
        }
    }

    /// Reads from the lease's checkpoint, and again from the last checkpoint after each rewind.
    async fn read(self) {
        let mut delivering = Delivering::new(&self);
        let mut start = self.start.start();
        while self.read_from(start, &mut delivering).await {
            start = delivering.go_back();
        }
    }

    /// Reads and delivers from `start`. True if the run has to rewind.
    async fn read_from(&self, start: Option<StartAt>, delivering: &mut Delivering<'_>) -> bool {
        let (sender, receiver) = mpsc::channel(1);
        let fetcher = Fetcher::new(self, start, sender);
        let spawner = Arc::clone(&self.shared.env.spawner);
        let fetching = fetcher.work().in_current_span();
        let fetching = spawner.spawn("kcl-fetch", Box::pin(fetching));
        // `work` drops the receiver when it returns; the fetcher then closes the reader and ends.
        let exit = delivering.work(receiver).await;
        match exit {
            Exit::Rewinding => {
                self.wait_for(fetching).await;
                return true;
            }
            Exit::Ended(children) => match delivering.end(children).await {
                Ok(children) => {
                    self.wait_for(fetching).await;
                    self.gate.report(&self.key, RunNews::Ended { children });
                }
                Err(Flow::Rewind) => {
                    self.wait_for(fetching).await;
                    return true;
                }
                Err(_) => self.stop(delivering, fetching).await,
            },
            Exit::Stopping => self.stop(delivering, fetching).await,
            Exit::Unread => {
                delivering.say_lost().await;
                LastWord::of(self).give_back("the reader is gone").await;
            }
        }
        false
    }

    /// Waits until the fetcher has closed its reader, for at most [`CLOSING`].
    async fn wait_for(&self, fetching: TaskHandle) {
        let clock = Arc::clone(&self.shared.env.clock);
        tokio::select! {
            biased;
            _ = fetching.join() => {}
            // The fetcher gives up after the same time, unless the reader blocks its thread.
            () = clock.sleep(CLOSING) => {}
        }
    }

    /// Stops the processor and reports [`RunNews::Stopped`]: last if the run drains, because the
    /// keeper then releases the lease; first if the run is dropped.
    async fn stop(&self, delivering: &mut Delivering<'_>, fetching: TaskHandle) {
        if self.gate.state() == GateState::Draining {
            delivering.say_goodbye().await;
            self.wait_for(fetching).await;
            self.gate.report(&self.key, RunNews::Stopped);
        } else {
            // Nothing is dispatched any more, so the keeper need not wait for `stop`.
            self.gate.report(&self.key, RunNews::Stopped);
            delivering.say_lost().await;
            self.wait_for(fetching).await;
        }
    }
}

/// Gives back the lease of a run that cannot go on. It outlives the run, which may have panicked.
struct LastWord {
    key: LeaseKey,
    gate: Arc<Gate>,
    shared: Arc<Shared>,
}

/// The pause before a lease that cannot be read is given back. The next owner may fail in the same
/// way, and the lease must not circle among workers without pause.
const BEFORE_GIVING_BACK: Duration = Duration::from_secs(1);

impl LastWord {
    fn of(run: &Run) -> Self {
        let (key, gate) = (run.key.clone(), Arc::clone(&run.gate));
        Self { key, gate, shared: Arc::clone(&run.shared) }
    }

    /// Asks the keeper every [`BEFORE_GIVING_BACK`] to release the lease, until the keeper has
    /// ordered the run to stop.
    async fn give_back(self, why: &str) {
        let (key, why) = (self.key.clone(), why.to_owned());
        self.shared.tell(WorkerEvent::RunBroken { key, why });
        let clock = &self.shared.env.clock;
        loop {
            clock.sleep(BEFORE_GIVING_BACK).await;
            match self.gate.state() {
                GateState::Open => self.gate.report(&self.key, RunNews::Stalled),
                // The keeper resumes or drops the run; the next turn asks again.
                GateState::Suspended => {}
                GateState::Draining | GateState::Dropped => {
                    return self.gate.report(&self.key, RunNews::Stopped);
                }
            }
        }
    }
}
