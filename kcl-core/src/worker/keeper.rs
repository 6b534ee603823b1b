//! The keeper: drives the coordinator, and talks to the store for it.
//!
//! It runs on a thread of its own. What it says to the user's runtime it says through gates, which
//! take effect at once, and through a channel, which takes effect when that runtime gets to it.

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

/// What the keeper wants of the supervisor.
#[derive(Debug)]
pub(super) enum SupervisorCommand {
    /// Start a run.
    Start(Box<Lease>, Arc<Gate>),
    /// Describe a stream, or that of a source that has not said yet which it reads, and tell the
    /// keeper.
    Describe(CallId, Option<StreamName>),
    /// List the shards of a stream, and hand them to the keeper.
    ListShards(CallId, StreamName),
    /// The worker is over.
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
    pub(super) validity: Validity,
    pub(super) status: StatusBoard,
    pub(super) events: mpsc::UnboundedReceiver<Event>,
    /// For the gates' news.
    pub(super) sender: mpsc::UnboundedSender<Event>,
    pub(super) directions: mpsc::UnboundedSender<SupervisorCommand>,
    pub(super) gates: BTreeMap<LeaseKey, Arc<Gate>>,
    pub(super) calls: Calls,
    pub(super) remaking: Remaking,
}

impl Keeper {
    /// Keeps the worker's part in the fleet until it is over, or nobody is there to work for.
    pub(super) async fn keep(mut self) {
        let mut waking =
            Waking::new(self.store.clone(), Arc::clone(&self.env.clock), self.seam.clone());
        self.handle(Event::Tick, &mut waking);
        let (mut late, mut leaves) = (Duration::ZERO, false);
        while !self.coordinator.is_over() {
            let wake = self.coordinator.next_wake();
            let clock = Arc::clone(&self.env.clock);
            // What is due at once is due at time zero.
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

    fn handle(&mut self, event: Event, waking: &mut Waking) {
        let event = self.with_all_progress(event);
        let commands = self.coordinator.handle(self.env.clock.now(), event);
        for command in commands {
            self.execute(command, waking);
        }
    }

    /// News of progress mean all that there has been since.
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
                // The keeper has the other end.
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

    fn ask(&mut self, id: CallId, call: StoreCall) {
        let timeout = self.settings.coordination.session_timeout;
        // A beat is worth waiting for as long as its answer can still count.
        let deadline = if matches!(call, StoreCall::Beat(_)) { timeout } else { timeout / 2 };
        if let StoreCall::Release(release) = &call {
            let (key, epoch) = (release.key.clone(), release.epoch);
            self.seam.event(&WorkerEvent::LeaseReleasing { key, epoch });
        }
        let store = self.store.clone();
        let asking = async move { carry_out(&store, call, deadline).await };
        self.calls.start(&*self.env.spawner, id, asking.in_current_span());
    }

    /// Somebody deleted what the state is kept in.
    fn remake_store(&self) {
        let (store, clock) = (self.store.clone(), Arc::clone(&self.env.clock));
        self.remaking.start(&*self.env.spawner, store, clock, self.seam.clone());
    }

    /// Gates first: whatever is to stop has stopped dispatching before anything else is done.
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

    fn tell(&mut self, notice: Notice, waking: &mut Waking) {
        match &notice {
            Notice::Registered(session) => waking.follow(session.clone()),
            Notice::Lost(key, epoch, _) | Notice::Ended(key, epoch) => {
                if let Some(gate) = self.gates.get(key).filter(|gate| gate.epoch() == *epoch) {
                    // Also after a handover: whoever still holds the handle is refused, and not
                    // kept waiting for a checkpoint that nobody writes any more.
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
        // A supervisor that is gone is noticed by the loop.
        let _ = self.directions.send(direction);
    }

    /// Nobody is there to work for: the user's future was dropped, and every run with it. One
    /// write ends the session and frees everything.
    async fn abandon(mut self) {
        self.close_gates();
        let end = EndSession::new(self.coordinator.session().clone(), Ending::Leave);
        let deadline = self.settings.coordination.session_timeout / 2;
        let _ = carry_out(&self.store, StoreCall::EndSession(end), deadline).await;
    }

    fn close_gates(&mut self) {
        self.validity.set(crate::env::Time::ZERO);
        for gate in self.gates.values() {
            gate.set(GateState::Dropped);
        }
    }
}

/// However the keeper ends, nothing is dispatched after it.
impl Drop for Keeper {
    fn drop(&mut self) {
        self.close_gates();
    }
}
