//! The gate between the keeper and one run: it says whether the run may dispatch, and carries the
//! run's checkpoints and other news to the keeper.
//!
//! ```text
//! keeper ── state, drain deadline, validity ──► Gate ◄── checked before each dispatch ── run
//! keeper ◄── events: progress, stopped … ────── Gate ◄── checkpoints, news ───── run, handle
//! ```
//!
//! The state is an atomic, so that an order takes effect at once; the keeper never waits for the
//! user's runtime, which may be blocked. A run may dispatch only if its gate is open *and* the
//! worker's session is valid by the clock ([`Validity`]): the second holds even if the keeper's
//! thread is late.

use std::{
    fmt,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU8, AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::sync::{Notify, mpsc, oneshot};

use crate::{
    coordinator::{Event, RunEvent, RunNews},
    env::{Clock, Time},
    lease::{Checkpoint, Epoch, LeaseKey, Progress},
    processor::CheckpointError,
    settings::{Delivery, ProgressMode},
    stream::{Position, StartAt},
};

/// The end of the session's validity. The keeper sets it; every gate of the worker shares it.
#[derive(Clone, Debug)]
pub struct Validity {
    /// Microseconds of `clock`; 0 means never valid.
    until: Arc<AtomicU64>,
    clock: Arc<dyn Clock>,
}

impl Validity {
    /// Of a worker whose session is not valid yet.
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self { until: Arc::new(AtomicU64::new(0)), clock }
    }

    /// From now on it is valid until then.
    pub fn set(&self, until: Time) {
        self.until.store(until.as_micros(), Ordering::Release);
    }

    fn until(&self) -> Time {
        Time::from_micros(self.until.load(Ordering::Acquire))
    }

    /// Whether the session is not valid any more.
    pub fn is_over(&self) -> bool {
        self.clock.now() >= self.until()
    }

    /// Waits until the session is no longer valid. After each sleep it compares the clock again:
    /// the keeper may have moved the deadline, and a timer may fire at another time than the clock
    /// shows if the machine was suspended.
    async fn over(&self) {
        while !self.is_over() {
            self.clock.sleep_until(self.until()).await;
        }
    }
}

/// The keeper's order to a run. It goes from any state to any other, but never leaves `Dropped`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GateState {
    /// Dispatch batches.
    Open,
    /// Finish the batch that runs, and dispatch no other.
    Draining,
    /// Drop the batch that runs, and deliver its records again when the gate opens.
    Suspended,
    /// Drop the batch that runs and end: the lease is lost or given up.
    Dropped,
}

/// The gate of one run.
pub struct Gate {
    epoch: Epoch,
    state: AtomicU8,
    changed: Notify,
    /// The time at which the keeper drops a draining run, in microseconds.
    drained_by: AtomicU64,
    validity: Validity,
    /// The setting `finish_batch`: a running batch is never dropped, not even when the session is
    /// no longer valid. The next owner may then process the same records at the same time.
    finish_batch: bool,
    /// Whether the processor commits its checkpoints itself, with its effects.
    transactional: bool,
    checkpoints: Mutex<Checkpoints>,
    listener: Listener,
}

/// The receiver of a run's news.
enum Listener {
    Keeper(mpsc::UnboundedSender<Event>),
    /// No receiver: the gate of a lease made for a unit test. Each checkpoint counts as stored at
    /// once.
    Test,
}

/// The checkpoint state of a run. It belongs to one lease under one epoch.
#[derive(Default)]
struct Checkpoints {
    /// The first record that was delivered under the lease.
    first: Option<Position>,
    /// The last record that was delivered under the lease; no checkpoint may pass it.
    delivered: Option<Position>,
    /// The furthest position for which the processor requested a checkpoint.
    asked: Option<Position>,
    /// The newest checkpoint that the coordinator has reported as stored.
    stored: Option<Checkpoint>,
    /// Reported progress that the keeper has not taken yet. While it is there, the keeper's queue
    /// holds exactly one event about it.
    untold: Option<Untold>,
    /// Callers that wait until their checkpoint is stored: `true`; or the lease is lost: `false`.
    waiting: Vec<(Checkpoint, oneshot::Sender<bool>)>,
}

/// Progress that the keeper has not taken yet.
struct Untold {
    checkpoint: Checkpoint,
    progress: Progress,
    /// Write the checkpoint soon: a caller waits for it.
    flush: bool,
}

impl Untold {
    /// Joins this progress with `earlier` progress that was not taken: the higher checkpoint, the
    /// newest figures that are known, and a flush if either needs one.
    fn after(self, earlier: Self) -> Self {
        let lower = earlier.checkpoint.may_follow(&self.checkpoint);
        Self {
            checkpoint: if lower { earlier.checkpoint } else { self.checkpoint },
            progress: if self.progress == Progress::NONE {
                earlier.progress
            } else {
                self.progress
            },
            flush: self.flush || earlier.flush,
        }
    }
}

impl Gate {
    /// An open gate; `events` receives what its run reports.
    pub fn new(
        epoch: Epoch,
        validity: Validity,
        delivery: &Delivery,
        events: mpsc::UnboundedSender<Event>,
    ) -> Self {
        Self {
            epoch,
            state: AtomicU8::new(GateState::Open as u8),
            changed: Notify::new(),
            drained_by: AtomicU64::new(0),
            validity,
            finish_batch: delivery.finish_batch,
            transactional: delivery.progress == ProgressMode::Transactional,
            checkpoints: Mutex::default(),
            listener: Listener::Keeper(events),
        }
    }

    /// Makes the open gate of a lease for a unit test. Its session is valid for ever.
    pub(crate) fn for_test(epoch: Epoch, clock: Arc<dyn Clock>) -> Self {
        let validity = Validity::new(clock);
        validity.set(Time::NEVER);
        let (events, _) = mpsc::unbounded_channel();
        let gate = Self::new(epoch, validity, &Delivery::default(), events);
        Self { listener: Listener::Test, ..gate }
    }

    /// The epoch of the lease that the run holds.
    pub const fn epoch(&self) -> Epoch {
        self.epoch
    }

    /// Sets the state and wakes the run. With `Dropped`, every waiting checkpoint fails.
    pub fn set(&self, state: GateState) {
        // A dropped gate stays dropped.
        let keep = |old| (old != GateState::Dropped as u8).then_some(state as u8);
        let _ = self.state.fetch_update(Ordering::AcqRel, Ordering::Acquire, keep);
        self.changed.notify_waiters();
        if state == GateState::Dropped {
            for (_, waiter) in self.checkpoints().waiting.drain(..) {
                let _ = waiter.send(false);
            }
        }
    }

    /// Lets the running batch and the processor's `stop` take until `until`, and no batch start.
    pub fn drain(&self, until: Time) {
        self.drained_by.store(until.as_micros(), Ordering::Release);
        self.set(GateState::Draining);
    }

    /// The time that a draining run has left; zero after its deadline.
    pub(crate) fn drain_left(&self) -> Duration {
        let until = Time::from_micros(self.drained_by.load(Ordering::Acquire));
        until.since(self.validity.clock.now())
    }

    /// What the keeper lets the run do.
    pub fn state(&self) -> GateState {
        match self.state.load(Ordering::Acquire) {
            0 => GateState::Open,
            1 => GateState::Draining,
            2 => GateState::Suspended,
            _ => GateState::Dropped,
        }
    }

    /// True if a batch that the processor already has may go on.
    pub fn may_process(&self) -> bool {
        matches!(self.state(), GateState::Open | GateState::Draining) && !self.validity.is_over()
    }

    /// Waits until a running batch may not go on.
    pub(crate) async fn closed(&self) {
        loop {
            let changed = self.changed.notified();
            if !self.may_process() {
                return;
            }
            tokio::select! {
                biased;
                () = changed => {}
                () = self.validity.over() => {}
            }
        }
    }

    /// Waits until a running batch must be dropped. Never returns with the setting `finish_batch`.
    pub(crate) async fn must_drop(&self) {
        if self.finish_batch {
            std::future::pending::<()>().await;
        }
        self.closed().await;
    }

    /// Waits until the state differs from `seen`. The end of the session's validity is no change.
    pub(crate) async fn changed(&self, seen: GateState) {
        loop {
            let changed = self.changed.notified();
            if self.state() != seen {
                return;
            }
            changed.await;
        }
    }

    /// Waits until a new batch may be dispatched. False if none may be ever again: the run drains
    /// or is dropped.
    pub async fn dispatchable(&self) -> bool {
        loop {
            let changed = self.changed.notified();
            match self.state() {
                GateState::Draining | GateState::Dropped => return false,
                GateState::Open if !self.validity.is_over() => return true,
                // The session has lapsed. The keeper suspends the run soon, or extends the session,
                // which changes no gate.
                GateState::Open => {
                    let soon = self.validity.clock.sleep(LAPSE_POLL);
                    tokio::select! { biased; () = changed => {}, () = soon => {} }
                }
                GateState::Suspended => changed.await,
            }
        }
    }

    /// Notes the first and the last record of a batch before it is delivered. A checkpoint beyond
    /// `to` is refused.
    pub(crate) fn note_delivered(&self, from: &Position, to: &Position) {
        let mut checkpoints = self.checkpoints();
        checkpoints.first.get_or_insert_with(|| from.clone());
        checkpoints.delivered = Some(to.clone());
    }

    /// The last record that was delivered under the lease.
    pub(crate) fn last_delivered(&self) -> Option<Position> {
        self.checkpoints().delivered.clone()
    }

    /// The furthest position for which a checkpoint was requested.
    pub(crate) fn last_asked(&self) -> Option<Position> {
        self.checkpoints().asked.clone()
    }

    /// Forgets the deliveries after the last requested checkpoint, and returns the place to read
    /// from again: after that checkpoint, or at the first record that was delivered. Starting at a
    /// record, not at the run's initial position, lets the reader prove a loss if the stream has
    /// trimmed it meanwhile. `None` if nothing was delivered.
    pub(crate) fn go_back(&self) -> Option<StartAt> {
        let mut checkpoints = self.checkpoints();
        checkpoints.delivered = checkpoints.asked.clone();
        let first = || checkpoints.first.clone().map(|first| StartAt::At(first.sequence));
        checkpoints.asked.clone().map(StartAt::After).or_else(first)
    }

    /// Requests a checkpoint from the keeper. The receiver gets `true` when it is stored, and
    /// `false` if the lease is lost before.
    ///
    /// # Errors
    /// [`CheckpointError::Transactional`] if the processor commits its checkpoints itself;
    /// [`CheckpointError::LeaseLost`]; [`CheckpointError::NotDelivered`] if `at` is beyond the last
    /// delivered record.
    pub(crate) fn ask_checkpoint(
        &self,
        key: &LeaseKey,
        at: &Position,
    ) -> Result<oneshot::Receiver<bool>, CheckpointError> {
        if self.transactional {
            return Err(CheckpointError::Transactional(key.clone()));
        }
        let mut checkpoints = self.checkpoints();
        if refuses_checkpoints(self.state()) {
            return Err(CheckpointError::LeaseLost(key.clone()));
        }
        if checkpoints.delivered.as_ref().is_none_or(|delivered| at > delivered) {
            let delivered = checkpoints.delivered.as_ref();
            let delivered = delivered.map_or_else(|| "none".to_owned(), ToString::to_string);
            return Err(CheckpointError::NotDelivered { at: at.clone(), delivered });
        }
        let (sender, receiver) = oneshot::channel();
        checkpoints.asked = checkpoints.asked.take().max(Some(at.clone()));
        let checkpoint = Checkpoint::After(at.clone());
        if checkpoints.stored.as_ref().is_some_and(|stored| stored.may_follow(&checkpoint)) {
            // The store already has it or a later one. No write follows that would answer.
            let _ = sender.send(true);
            return Ok(receiver);
        }
        checkpoints.waiting.push((checkpoint.clone(), sender));
        drop(checkpoints);
        self.report(key, RunNews::Progress { checkpoint, progress: Progress::NONE, flush: true });
        Ok(receiver)
    }

    /// Sends news of this run to the keeper. Progress is joined into one event until the keeper
    /// takes it, so that the keeper's queue holds at most one progress event for each lease.
    pub fn report(&self, key: &LeaseKey, news: RunNews) {
        match (&self.listener, news) {
            (Listener::Keeper(events), news) => {
                if let RunNews::Progress { checkpoint, progress, flush } = &news {
                    let (checkpoint, progress) = (checkpoint.clone(), *progress);
                    if !self.note_progress(Untold { checkpoint, progress, flush: *flush }) {
                        return;
                    }
                }
                let event = RunEvent { key: key.clone(), epoch: self.epoch, news };
                // If the keeper is gone, no checkpoint is stored any more, and none is confirmed.
                let _ = events.send(Event::Run(event));
            }
            (Listener::Test, RunNews::Progress { checkpoint, .. }) => self.note_stored(&checkpoint),
            (Listener::Test, _) => {}
        }
    }

    /// Joins progress with the progress that the keeper has not taken. True if there was none, so
    /// that the keeper needs an event.
    fn note_progress(&self, news: Untold) -> bool {
        let mut checkpoints = self.checkpoints();
        let earlier = checkpoints.untold.take();
        let first = earlier.is_none();
        checkpoints.untold = Some(match earlier {
            Some(earlier) => news.after(earlier),
            None => news,
        });
        first
    }

    /// Takes all progress that was reported since the last call.
    pub fn take_progress(&self) -> Option<RunNews> {
        let Untold { checkpoint, progress, flush } = self.checkpoints().untold.take()?;
        Some(RunNews::Progress { checkpoint, progress, flush })
    }

    /// Notes that `stored` is in the store, and confirms every waiting checkpoint up to it.
    pub(crate) fn note_stored(&self, stored: &Checkpoint) {
        let mut checkpoints = self.checkpoints();
        checkpoints.stored = Some(stored.clone());
        let waiting = std::mem::take(&mut checkpoints.waiting);
        for (asked, waiter) in waiting {
            if stored.may_follow(&asked) {
                let _ = waiter.send(true);
            } else {
                checkpoints.waiting.push((asked, waiter));
            }
        }
    }

    /// The newest checkpoint that the coordinator has reported as stored.
    pub(crate) fn stored(&self) -> Option<Checkpoint> {
        self.checkpoints().stored.clone()
    }

    fn checkpoints(&self) -> MutexGuard<'_, Checkpoints> {
        self.checkpoints.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The pause between two checks whether the keeper has extended a session that lapsed.
const LAPSE_POLL: Duration = Duration::from_millis(50);

impl fmt::Debug for Gate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gate")
            .field("epoch", &self.epoch)
            .field("state", &self.state())
            .finish_non_exhaustive()
    }
}

/// True if no checkpoint is accepted any more, because the lease is lost.
fn refuses_checkpoints(state: GateState) -> bool {
    state == GateState::Dropped && !planted!(HandleOutlivesLease)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::env::Env;

    #[test]
    fn a_processor_that_commits_its_checkpoints_gets_no_others() {
        let (events, mut heard) = mpsc::unbounded_channel();
        let delivery = Delivery { progress: ProgressMode::Transactional, ..Delivery::default() };
        let validity = Validity::new(Env::system().clock);
        let gate = Gate::new(Epoch(1), validity, &delivery, events);
        let at = Position::new(7_u128.into(), 0);
        gate.note_delivered(&at, &at);
        let refused = gate.ask_checkpoint(&LeaseKey::planner(), &at).unwrap_err();
        assert!(matches!(refused, CheckpointError::Transactional(_)), "{refused}");
        assert!(heard.try_recv().is_err(), "the keeper hears nothing of it");
    }

    #[test]
    fn the_keeper_hears_once_of_whatever_progress_there_is_until_it_takes_it_up() {
        let (events, mut heard) = mpsc::unbounded_channel();
        let validity = Validity::new(Env::system().clock);
        let gate = Gate::new(Epoch(1), validity, &Delivery::default(), events);
        let key = LeaseKey::planner();
        let at = |number: u128| Checkpoint::After(Position::new(number.into(), 0));
        let lag = |millis| Progress { lag: Some(Duration::from_millis(millis)), ..Progress::NONE };
        let report = |number, progress, flush| {
            gate.report(&key, RunNews::Progress { checkpoint: at(number), progress, flush });
        };
        report(7, lag(5), false);
        report(9, Progress::NONE, true);
        report(8, Progress::NONE, false);
        assert!(heard.try_recv().is_ok());
        assert!(heard.try_recv().is_err(), "it is told once");
        let taken = gate.take_progress();
        assert!(
            matches!(&taken, Some(RunNews::Progress { checkpoint, progress, flush: true })
                if *checkpoint == at(9) && *progress == lag(5)),
            "the furthest, and whatever is known: {taken:?}"
        );
        assert!(gate.take_progress().is_none());
        report(10, lag(6), false);
        gate.report(&key, RunNews::Stopped);
        assert!(heard.try_recv().is_ok() && heard.try_recv().is_ok(), "and again");
    }
}
