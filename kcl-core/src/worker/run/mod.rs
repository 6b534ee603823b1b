//! One held lease: reading its shard, delivering its records, ending it.

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
    /// Reads and delivers until the shard ends or the lease goes. `former` is the run of the same
    /// shard before this one: two of them never overlap in one worker. A panic in what the user
    /// gave (the factory, the source, the dead-letter sink) ends the run, and the lease is given
    /// back: nobody would read on under it.
    pub(super) async fn work(self, former: Option<TaskHandle>) {
        if let Some(former) = former {
            former.join().await;
        }
        let end = LastWord::of(&self);
        if let Err(message) = CatchPanic(Box::pin(self.read())).await {
            end.give_back(&message).await;
        }
    }

    async fn read(self) {
        let mut delivering = Delivering::new(&self);
        let mut start = self.start.start();
        while self.read_from(start, &mut delivering).await {
            start = delivering.go_back();
        }
    }

    /// Reads and delivers from `start`; true if that has to be done again, from a checkpoint.
    async fn read_from(&self, start: Option<StartAt>, delivering: &mut Delivering<'_>) -> bool {
        let (sender, receiver) = mpsc::channel(1);
        let fetcher = Fetcher::new(self, start, sender);
        let spawner = Arc::clone(&self.shared.env.spawner);
        let fetching = fetcher.work().in_current_span();
        let fetching = spawner.spawn("kcl-fetch", Box::pin(fetching));
        // It takes the receiver with it: whoever fetches closes the reader, and ends.
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

    /// Waits until the reader is closed, within bounds.
    async fn wait_for(&self, fetching: TaskHandle) {
        let clock = Arc::clone(&self.shared.env.clock);
        tokio::select! {
            biased;
            _ = fetching.join() => {}
            // It gives up at the same moment, unless the reader blocks its thread.
            () = clock.sleep(CLOSING) => {}
        }
    }

    async fn stop(&self, delivering: &mut Delivering<'_>, fetching: TaskHandle) {
        if self.gate.state() == GateState::Draining {
            delivering.say_goodbye().await;
            self.wait_for(fetching).await;
            self.gate.report(&self.key, RunNews::Stopped);
        } else {
            // Nothing is dispatched any more: the keeper need not wait for anybody.
            self.gate.report(&self.key, RunNews::Stopped);
            delivering.say_lost().await;
            self.wait_for(fetching).await;
        }
    }
}

/// What is said of a run that cannot go on.
struct LastWord {
    key: LeaseKey,
    gate: Arc<Gate>,
    shared: Arc<Shared>,
}

/// How long a lease is held that nobody reads any more: whoever takes it may fare as badly.
const BEFORE_GIVING_BACK: Duration = Duration::from_secs(1);

impl LastWord {
    fn of(run: &Run) -> Self {
        let (key, gate) = (run.key.clone(), Arc::clone(&run.gate));
        Self { key, gate, shared: Arc::clone(&run.shared) }
    }

    /// Has the keeper release the lease, until it has ordered the run to stop.
    async fn give_back(self, why: &str) {
        let (key, why) = (self.key.clone(), why.to_owned());
        self.shared.tell(WorkerEvent::RunBroken { key, why });
        let clock = &self.shared.env.clock;
        loop {
            clock.sleep(BEFORE_GIVING_BACK).await;
            match self.gate.state() {
                GateState::Open => self.gate.report(&self.key, RunNews::Stalled),
                // Asked again once the session is valid.
                GateState::Suspended => {}
                GateState::Draining | GateState::Dropped => {
                    return self.gate.report(&self.key, RunNews::Stopped);
                }
            }
        }
    }
}
