//! Starting a worker, and what becomes of it.

use std::sync::{Arc, Mutex, PoisonError};

use kcl_core::{
    env::Spawner,
    worker::{Worker, WorkerError},
};

use super::{
    Process,
    clock::env_of,
    event_listener::EventListener,
    member::{Exit, Member},
    tap::Tap,
    watch::Watch,
    world::{APPLICATION, SimEvent, World},
};
use crate::{
    Faulty,
    sim::live::{ledger::Broken, sink::Sink},
};

/// How long a supervisor waits before it starts again what ended.
const RESTART: std::time::Duration = std::time::Duration::from_secs(1);

impl World<'_> {
    /// Starts a process of a worker.
    pub(super) fn start(&mut self, slot: usize) {
        let life = self.fleet.get(&slot).map_or(0, Vec::len) + 1;
        if self.newest(slot).is_some() {
            // The newer one takes the place of the older at once.
            self.book.ledger().allow_overlap();
        }
        let process = Process::new(slot, life);
        let listener = EventListener::default();
        let worker = match self.worker(&process, &listener, life) {
            Ok(worker) => worker,
            Err(error) => {
                let cause = std::error::Error::source(&error).map(ToString::to_string);
                let what =
                    cause.map_or_else(|| error.to_string(), |cause| format!("{error}: {cause}"));
                return self.book.ledger().violate(Broken::Settings, what, Vec::new());
            }
        };
        let handle = worker.handle();
        listener.listen(handle.events());
        let exit = Exit::default();
        let result = Arc::clone(&exit);
        let running = async move {
            let ended = worker.run().await;
            *result.lock().unwrap_or_else(PoisonError::into_inner) = Some(ended);
        };
        drop(process.spawn("worker", Box::pin(running)));
        self.book.ledger().note(process.name(), format!("{} starts", process.name()));
        let member = Member { process, handle, listener, leaving: false, exit };
        self.fleet.entry(slot).or_default().push(member);
    }

    fn worker(
        &self,
        process: &Process,
        listener: &EventListener,
        life: usize,
    ) -> Result<Worker, WorkerError> {
        let (slot, latency) = (process.slot(), self.plan.latency);
        // Each process draws from its own seeds, so that a plan with a fault less is much the same.
        let seed = |purpose: u64| {
            let parts = [slot, life].map(|n| u64::try_from(n).unwrap_or(u64::MAX));
            let mixed = parts.iter().fold(self.plan.seed ^ purpose << 32, |seed, n| {
                (seed ^ n).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(23)
            });
            kcl_core::env::Rng::new(mixed).next_u64()
        };
        let policy = self.active_faults.policy(slot, latency, seed(1));
        let store = Arc::new(self.server.store(APPLICATION));
        // What is on its way to the store belongs to no process.
        let store = Faulty::new(store, self.env.clone(), policy);
        let rng = Arc::new(Mutex::new(kcl_core::env::Rng::new(seed(2))));
        let tap = Tap {
            stream: self.stream.clone(),
            process: process.clone(),
            active_faults: self.active_faults.clone(),
            book: self.book.clone(),
            latency,
            rng,
        };
        let sinks = (seed(3), Arc::clone(&self.sinks));
        let sink = Sink::new(process, &self.book, &self.active_faults, latency, sinks);
        let watch = Watch {
            inner: (self.setup.make)(sink),
            process: process.clone(),
            book: self.book.clone(),
            listener: listener.clone(),
        };
        let builder = Worker::builder(tap, store).settings(self.setup.settings.clone());
        let builder = builder.env(env_of(process, seed(4))).processor(watch);
        match format!("w{slot}").parse() {
            Ok(id) => builder.worker_id(id).build(),
            // Never: a letter and digits.
            Err(_) => builder.build(),
        }
    }

    /// The newest process of a worker, if it is up.
    pub(super) fn newest(&mut self, slot: usize) -> Option<&mut Member> {
        self.fleet.get_mut(&slot)?.last_mut().filter(|member| member.is_up())
    }

    /// Asks a worker to leave; false if there is nobody to ask.
    pub(super) fn ask_to_leave(&mut self, slot: usize) -> bool {
        let book = self.book.clone();
        let members = self.fleet.get_mut(&slot).into_iter().flatten();
        let mut asked = false;
        for member in members.filter(|member| member.stays()) {
            let name = member.process.name();
            book.ledger().note(name, format!("{name} is asked to leave"));
            member.leaving = true;
            member.handle.shut_down();
            asked = true;
        }
        asked
    }

    /// Looks which processes have ended, and hears what the others told.
    pub(super) fn reap(&mut self) {
        let mut restart = Vec::new();
        for (slot, members) in &self.fleet {
            let newest = members.len().saturating_sub(1);
            for (member, n) in members.iter().zip(0..).filter(|(member, _)| member.is_up()) {
                let name = member.process.name();
                member.listener.hear(name, &self.book);
                let ended = member.exit.lock().unwrap_or_else(PoisonError::into_inner).take();
                let Some(ended) = ended else { continue };
                // A process ends with its main function, and with it every task it had.
                member.process.kill();
                let mut ledger = self.book.ledger();
                let unasked = match ended {
                    Ok(()) if member.leaving => {
                        ledger.note(name, format!("{name} has left"));
                        None
                    }
                    Err(WorkerError::DuplicateWorkerId(_)) => {
                        ledger.note(name, format!("{name} stops: another has its id"));
                        // What a supervisor does.
                        restart.extend((n == newest && !member.leaving).then_some(*slot));
                        None
                    }
                    other => Some(format!("{other:?}")),
                };
                ledger.worker_ended(name, unasked);
            }
        }
        for slot in restart {
            self.decide(self.now() + RESTART, SimEvent::Restart(slot));
        }
    }
}
