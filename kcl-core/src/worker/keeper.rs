//! The keeper drives the coordinator and executes its commands on the lease store.
//!
//! ```text
//! store answers, run events, wake-ups, timer ──► Coordinator::handle ──► commands
//! store calls ──► a task each        run orders ──► gates        the rest ──► supervisor
//! ```
//!
//! It runs on a thread and a runtime of its own, so that a processor that blocks the user's
//! runtime delays no beat. It controls that runtime in two ways: a gate takes effect at once, a
//! command to the supervisor when the user's runtime polls the supervisor. Whatever must stop
//! dispatch therefore goes through a gate.
//!
//! The keeper ends when the coordinator is over, or when the supervisor is gone because the caller
//! dropped the worker's future. In both cases every gate is closed.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use tokio::sync::mpsc;
use tracing::Instrument;

use super::{
    call::{Calls, carry_out},
    gate::{Gate, GateState, Validity},
    remaking::Remaking,
    waking::{Heard, Waking},
};
use crate::{
    coordinator::{
        CallId, Command, Coordinator, Event, Notice, Outcome, RunCommand, RunEvent, RunNews,
        RunOrder, StoreCall,
    },
    env::Env,
    lease::{EndSession, Ending, Lease, LeaseKey},
    observe::{ReportBoard, Seam, StatusBoard, WatchedStore, WorkerEvent},
    settings::Settings,
    store::StoreErrorKind,
    stream::StreamName,
};

/// A command of the keeper to the supervisor.
#[derive(Debug)]
pub(super) enum SupervisorCommand {
    /// Start the run of a lease; the gate is the keeper's control of that run.
    Start(Box<Lease>, Arc<Gate>),
    /// Describe a stream and answer with [`Event::Described`]. `None` means the stream of a source
    /// that has not described itself yet.
    Describe(CallId, Option<StreamName>),
    /// Describe a stream, list its shards and answer with [`Event::Shards`].
    ListShards(CallId, StreamName),
    /// The worker has ended with this outcome.
    Finished(Outcome),
}

/// The keeper of one worker.
pub(super) struct Keeper {
    pub(super) coordinator: Coordinator,
    pub(super) store: WatchedStore,
    pub(super) seam: Seam,
    pub(super) reports: ReportBoard,
    pub(super) env: Env,
    pub(super) settings: Settings,
    /// The end of the session's validity, shared with every gate.
    pub(super) validity: Validity,
    pub(super) status: StatusBoard,
    /// Events of the runs, the supervisor and the worker's handles.
    pub(super) events: mpsc::UnboundedReceiver<Event>,
    /// The other end of `events`; each gate gets a clone.
    pub(super) sender: mpsc::UnboundedSender<Event>,
    /// Commands to the supervisor. It closes when the supervisor is gone.
    pub(super) directions: mpsc::UnboundedSender<SupervisorCommand>,
    /// The gate of each lease that this worker holds, until the coordinator reports the lease as
    /// lost or ended.
    pub(super) gates: BTreeMap<LeaseKey, Arc<Gate>>,
    /// The store calls under way.
    pub(super) calls: Calls,
    /// Creates the store again if somebody deletes it.
    pub(super) remaking: Remaking,
}

impl Keeper {
    /// Feeds events to the coordinator and executes its commands, until the coordinator is over or
    /// the supervisor is gone.
    pub(super) async fn keep(mut self) {
        let mut waking =
            Waking::new(self.store.clone(), Arc::clone(&self.env.clock), self.seam.clone());
        self.handle(Event::Tick, &mut waking);
        let (mut late, mut leaves) = (Duration::ZERO, false);
        while !self.coordinator.is_over() {
            let wake = self.coordinator.next_wake();
            let clock = Arc::clone(&self.env.clock);
            // `next_wake` is `Time::ZERO` when something is due at once; lateness counts from now.
            let due = wake.max(clock.now());
            self.seam.keeper_turn(due, late);
            let event = tokio::select! {
                biased;
                () = self.directions.closed() => return self.abandon().await,
                (id, outcome) = self.calls.next() => {
                    if matches!(outcome, Err(StoreErrorKind::Missing)) {
                        self.remake_store();
                    }
                    Event::Store(id, outcome)
                }
                Some(event) = self.events.recv() => event,
                heard = waking.next() => match heard {
                    Heard::Opened => Event::Pushes(true),
                    Heard::Woken => Event::Woken,
                    Heard::Broken => Event::Pushes(false),
                },
                () = clock.sleep_until(wake) => Event::Tick,
            };
            let is_due = matches!(event, Event::Tick);
            late = if is_due { self.env.clock.now().since(due) } else { Duration::ZERO };
            if matches!(event, Event::Leave) && !std::mem::replace(&mut leaves, true) {
                self.seam.event(&WorkerEvent::Leaving);
            }
            self.handle(event, &mut waking);
        }
    }

    /// Gives one event to the coordinator and executes the commands that it returns.
    fn handle(&mut self, event: Event, waking: &mut Waking) {
        let event = self.with_all_progress(event);
        let commands = self.coordinator.handle(self.env.clock.now(), event);
        for command in commands {
            self.execute(command, waking);
        }
    }

    /// Replaces a progress event by all progress that its run has reported up to now. The gate
    /// sends one event until the keeper takes the progress here.
    fn with_all_progress(&self, event: Event) -> Event {
        match event {
            Event::Run(RunEvent { key, epoch, news: news @ RunNews::Progress { .. } }) => {
                let gate = self.gates.get(&key).filter(|gate| gate.epoch() == epoch);
                let all = gate.and_then(|gate| gate.take_progress());
                Event::Run(RunEvent { key, epoch, news: all.unwrap_or(news) })
            }
            other => other,
        }
    }

    fn execute(&mut self, command: Command, waking: &mut Waking) {
        match command {
            Command::Store(id, call) => self.ask(id, *call),
            Command::Describe(id, of) => self.direct(SupervisorCommand::Describe(id, of)),
            Command::ListShards(id, of) => self.direct(SupervisorCommand::ListShards(id, of)),
            Command::Measure => {
                // The keeper owns the receiver, so the channel is open.
                let _ = self.sender.send(Event::Measured(Box::new(self.reports.report())));
            }
            Command::Run(command) => self.direct_run(command),
            Command::ValidUntil(until) => {
                self.validity.set(until);
                self.status.be_valid();
            }
            Command::Stored(key, epoch, checkpoint) => {
                if let Some(gate) = self.gates.get(&key).filter(|gate| gate.epoch() == epoch) {
                    gate.note_stored(&checkpoint);
                }
                self.seam.event(&WorkerEvent::CheckpointStored { key, epoch, checkpoint });
            }
            Command::Notify(notice) => self.tell(notice, waking),
            Command::Finished(outcome) => {
                self.seam.event(&WorkerEvent::finished(&outcome));
                self.direct(SupervisorCommand::Finished(outcome));
            }
        }
    }

    /// Starts a store call with a deadline, as a task of its own.
    fn ask(&mut self, id: CallId, call: StoreCall) {
        let timeout = self.settings.coordination.session_timeout;
        // The answer to a beat extends the session until the whole timeout has passed.
        let deadline = if matches!(call, StoreCall::Beat(_)) { timeout } else { timeout / 2 };
        if let StoreCall::Release(release) = &call {
            let (key, epoch) = (release.key.clone(), release.epoch);
            self.seam.event(&WorkerEvent::LeaseReleasing { key, epoch });
        }
        let store = self.store.clone();
        let asking = async move { carry_out(&store, call, deadline).await };
        self.calls.start(&*self.env.spawner, id, asking.in_current_span());
    }

    /// Creates the store again, after a call has found its table or schema missing.
    fn remake_store(&self) {
        let (store, clock) = (self.store.clone(), Arc::clone(&self.env.clock));
        self.remaking.start(&*self.env.spawner, store, clock, self.seam.clone());
    }

    /// Executes an order to one run: sets its gate, or makes a gate and has the supervisor start
    /// the run. An order for another epoch than the gate's is for a former run and has no effect.
    fn direct_run(&mut self, command: RunCommand) {
        let RunCommand { key, epoch, order } = command;
        if let RunOrder::Start(lease) = order {
            let (validity, delivery) = (self.validity.clone(), &self.settings.delivery);
            let gate = Gate::new(epoch, validity, delivery, self.sender.clone());
            let gate = Arc::new(gate);
            self.gates.insert(key, Arc::clone(&gate));
            return self.direct(SupervisorCommand::Start(lease, gate));
        }
        let Some(gate) = self.gates.get(&key).filter(|gate| gate.epoch() == epoch) else { return };
        gate.set(match order {
            RunOrder::Drain { until } => return gate.drain(until),
            RunOrder::Suspend => GateState::Suspended,
            RunOrder::Start(_) | RunOrder::Resume => GateState::Open,
            RunOrder::Drop(_) => GateState::Dropped,
        });
    }

    /// Passes a notice to the observers, after the keeper's own reactions: it follows the wake-ups
    /// of a new session, and drops the gate of a lease that is lost or ended.
    fn tell(&mut self, notice: Notice, waking: &mut Waking) {
        match &notice {
            Notice::Registered(session) => waking.follow(session.clone()),
            Notice::Lost(key, epoch, _) | Notice::Ended(key, epoch) => {
                if let Some(gate) = self.gates.get(key).filter(|gate| gate.epoch() == *epoch) {
                    // After a handover, too: a checkpoint by a handle that is still in use then
                    // fails at once, instead of waiting for a write that never comes.
                    gate.set(GateState::Dropped);
                    self.gates.remove(key);
                }
            }
            _ => {}
        }
        let unassignable = match &notice {
            Notice::Planned { unassigned, .. } if !unassigned.is_empty() => unassigned.clone(),
            _ => Vec::new(),
        };
        self.seam.event(&notice.into());
        if !unassignable.is_empty() {
            self.seam.event(&WorkerEvent::Unassignable { leases: unassignable });
        }
    }

    fn direct(&self, direction: SupervisorCommand) {
        // If the supervisor is gone, `keep` notices the closed channel.
        let _ = self.directions.send(direction);
    }

    /// Ends the session with one write, which frees all its leases. The caller has dropped the
    /// worker's future, and every run with it, so no lease is released one by one.
    async fn abandon(mut self) {
        self.close_gates();
        let end = EndSession::new(self.coordinator.session().clone(), Ending::Leave);
        let deadline = self.settings.coordination.session_timeout / 2;
        let _ = carry_out(&self.store, StoreCall::EndSession(end), deadline).await;
    }

    /// Stops all dispatch, and fails all checkpoints that wait.
    fn close_gates(&mut self) {
        self.validity.set(crate::env::Time::ZERO);
        for gate in self.gates.values() {
            gate.set(GateState::Dropped);
        }
    }
}

/// Closes the gates however the keeper ends, also by a panic: no run dispatches without a keeper.
impl Drop for Keeper {
    fn drop(&mut self) {
        self.close_gates();
    }
}
