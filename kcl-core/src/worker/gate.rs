//! Whether a run may dispatch: set by the keeper, looked at before each dispatch.
//!
//! The keeper closes a gate before it sends the beat that says so; it does not wait for the user's
//! runtime, which may be blocked.

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

/// Until when the session is valid, for every gate of one worker.
#[derive(Clone, Debug)]
pub struct Validity {
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

    /// Waits until the session is not valid any more. Timers do not see a suspend, so the clock
    /// is looked at again; the deadline may have moved meanwhile.
    async fn over(&self) {
        while !self.is_over() {
            self.clock.sleep_until(self.until()).await;
        }
    }
}

/// What the keeper lets a run do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GateState {
    /// Dispatch.
    Open,
    /// Finish the batch at hand, dispatch nothing new.
    Draining,
    /// Drop the batch at hand and keep its records.
    Suspended,
    /// Drop the batch at hand: the lease is not this run's any more.
    Dropped,
}

/// The gate of one run.
pub struct Gate {
    epoch: Epoch,
    state: AtomicU8,
    changed: Notify,
    /// When a draining run is dropped at the latest.
    drained_by: AtomicU64,
    validity: Validity,
    /// Whether a batch may run on past the deadline; the overlap is then the user's.
    finish_batch: bool,
    /// Whether the processor commits its checkpoints itself.
    transactional: bool,
    checkpoints: Mutex<Checkpoints>,
    listener: Listener,
}

/// Who hears the news of a run.
enum Listener {
    Keeper(mpsc::UnboundedSender<Event>),
    /// Nobody: of a lease made by hand, whose checkpoints are stored at once.
    Test,
}

#[derive(Default)]
struct Checkpoints {
    /// The first record delivered under the lease, and the last.
    first: Option<Position>,
    delivered: Option<Position>,
    /// The furthest position asked for.
    asked: Option<Position>,
    /// The newest checkpoint that is known to be stored.
    stored: Option<Checkpoint>,
    /// Progress that was reported and that the keeper has not taken up yet.
    untold: Option<Untold>,
    waiting: Vec<(Checkpoint, oneshot::Sender<bool>)>,
}

/// Progress of which the keeper was told that there is some.
struct Untold {
    checkpoint: Checkpoint,
    progress: Progress,
    flush: bool,
}

impl Untold {
    /// With what was reported before it, and not taken up.
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

    /// The gate of a lease made by hand, valid until it is closed.
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

    /// From now on the run may do this.
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

    /// Lets the batch at hand and the processor's farewell take until then, and nothing new start.
    pub fn drain(&self, until: Time) {
        self.drained_by.store(until.as_micros(), Ordering::Release);
        self.set(GateState::Draining);
    }

    /// How long a draining run may still take.
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

    /// Whether a batch that was given to the processor may go on now.
    pub fn may_process(&self) -> bool {
        matches!(self.state(), GateState::Open | GateState::Draining) && !self.validity.is_over()
    }

    /// Waits until a batch at hand may not go on.
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

    /// Waits until a batch at hand has to be dropped.
    pub(crate) async fn must_drop(&self) {
        if self.finish_batch {
            std::future::pending::<()>().await;
        }
        self.closed().await;
    }

    /// Waits until the keeper changes its mind, or the session is not valid any more.
    pub(crate) async fn changed(&self, seen: GateState) {
        loop {
            let changed = self.changed.notified();
            if self.state() != seen {
                return;
            }
            changed.await;
        }
    }

    /// Waits until a new batch may be given to the processor; false if that will never be.
    pub async fn dispatchable(&self) -> bool {
        loop {
            let changed = self.changed.notified();
            match self.state() {
                GateState::Draining | GateState::Dropped => return false,
                GateState::Open if !self.validity.is_over() => return true,
                // The keeper suspends a run whose deadline has passed, and resumes it.
                GateState::Open => {
                    let soon = self.validity.clock.sleep(LAPSE_POLL);
                    tokio::select! { biased; () = changed => {}, () = soon => {} }
                }
                GateState::Suspended => changed.await,
            }
        }
    }

    /// Notes which records are delivered: beyond the last, no checkpoint is taken.
    pub(crate) fn note_delivered(&self, from: &Position, to: &Position) {
        let mut checkpoints = self.checkpoints();
        checkpoints.first.get_or_insert_with(|| from.clone());
        checkpoints.delivered = Some(to.clone());
    }

    /// The last record delivered under the lease.
    pub(crate) fn last_delivered(&self) -> Option<Position> {
        self.checkpoints().delivered.clone()
    }

    /// The furthest position that a checkpoint was asked for at.
    pub(crate) fn last_asked(&self) -> Option<Position> {
        self.checkpoints().asked.clone()
    }

    /// What was delivered since the last checkpoint does not count any more. Where that is, or else
    /// the first record delivered: what was there and is trimmed meanwhile is to be reported.
    pub(crate) fn go_back(&self) -> Option<StartAt> {
        let mut checkpoints = self.checkpoints();
        checkpoints.delivered = checkpoints.asked.clone();
        let first = || checkpoints.first.clone().map(|first| StartAt::At(first.sequence));
        checkpoints.asked.clone().map(StartAt::After).or_else(first)
    }

    /// Asks the keeper for a checkpoint. The receiver hears true when it is stored.
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
            // Nothing is written for it any more, so nobody would tell.
            let _ = sender.send(true);
            return Ok(receiver);
        }
        checkpoints.waiting.push((checkpoint.clone(), sender));
        drop(checkpoints);
        self.report(key, RunNews::Progress { checkpoint, progress: Progress::NONE, flush: true });
        Ok(receiver)
    }

    /// Tells the keeper news of this run. Of progress it is told once until it takes it up, however
    /// much there is meanwhile: so its queue is no longer than there are leases.
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
                // The keeper may be gone: then nothing is stored any more, and nobody is told
                // otherwise.
                let _ = events.send(Event::Run(event));
            }
            (Listener::Test, RunNews::Progress { checkpoint, .. }) => self.note_stored(&checkpoint),
            (Listener::Test, _) => {}
        }
    }

    /// Notes progress for the keeper. Whether it is to be told: it knows of none yet.
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

    /// All the progress that was reported and not taken up yet; it then counts as taken up.
    pub fn take_progress(&self) -> Option<RunNews> {
        let Untold { checkpoint, progress, flush } = self.checkpoints().untold.take()?;
        Some(RunNews::Progress { checkpoint, progress, flush })
    }

    /// Everything up to `stored` is in the store.
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

    /// The newest checkpoint that is known to be stored.
    pub(crate) fn stored(&self) -> Option<Checkpoint> {
        self.checkpoints().stored.clone()
    }

    fn checkpoints(&self) -> MutexGuard<'_, Checkpoints> {
        self.checkpoints.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How often a run whose deadline has passed looks whether it has moved.
const LAPSE_POLL: Duration = Duration::from_millis(50);

impl fmt::Debug for Gate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gate")
            .field("epoch", &self.epoch)
            .field("state", &self.state())
            .finish_non_exhaustive()
    }
}

/// Whether nobody may checkpoint any more: the lease is lost.
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
