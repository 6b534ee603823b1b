//! Where a processor under test writes to.

use std::{
    any::{Any, TypeId},
    collections::{BTreeMap, BTreeSet},
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use kcl_core::{
    env::Rng,
    lease::Epoch,
    processor::Fence,
    stream::{Position, Record},
};
use tokio::{sync::oneshot, time::Instant};

use super::{
    fleet::{ActiveFaults, Process},
    ledger::{Book, Place},
    plan::Fault,
};

/// A simulated sink, as one process sees it: a database or a queue that outlives every worker. It
/// is some milliseconds away, and sometimes slow, silent or failing. Clones are the same sink.
///
/// A processor under test writes here what it would write there, and says of each effect which
/// record it is of. What a crashed process still sends reaches nobody; what it had sent arrives.
#[derive(Clone)]
pub struct Sink {
    process: Process,
    book: Book,
    active_faults: ActiveFaults,
    latency: Duration,
    rng: Arc<Mutex<Rng>>,
    store: Arc<Store>,
}

/// What the sink keeps: one for a run.
#[derive(Default)]
pub(super) struct Store {
    /// The keys of [`Sink::write_once`].
    keys: Mutex<BTreeSet<String>>,
    /// The highest epoch of [`Sink::write_fenced`], by lease.
    epochs: Mutex<BTreeMap<String, Epoch>>,
    /// What [`Sink::shared`] gives out.
    shared: Mutex<BTreeMap<TypeId, Arc<dyn Any + Send + Sync>>>,
}

/// Which record an effect is of: a `&Record`, its `&Position`, or the number it got in
/// [`super::Simulation::produce`], for sinks that know neither.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EffectOf(Of);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Of {
    Position(Position),
    Number(u64),
}

/// Why a write was not done, or not answered.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SinkError {
    /// The sink refuses: nothing is written.
    Unavailable,
    /// No answer came: it may be written or not.
    Unknown,
    /// The write carries an older fencing token than one before: nothing is written.
    Fenced {
        /// The token's epoch.
        epoch: Epoch,
        /// The highest epoch seen.
        newest: Epoch,
    },
}

/// How a write is done.
enum Way {
    Plain,
    Fenced(String, Epoch),
    Once(String),
}

/// What becomes of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    Served,
    Refused,
    ReplyLost,
}

impl Sink {
    pub(super) fn new(
        process: &Process,
        book: &Book,
        active_faults: &ActiveFaults,
        latency: Duration,
        (seed, store): (u64, Arc<Store>),
    ) -> Self {
        let rng = Arc::new(Mutex::new(Rng::new(seed)));
        let (process, book, active_faults) = (process.clone(), book.clone(), active_faults.clone());
        Self { process, book, active_faults, latency, rng, store }
    }

    /// Writes a record's effect, whatever was written before: a second write of it is a second
    /// effect. `fence` is `batch.fence()`, or `None` if the sink is not told.
    ///
    /// # Errors
    /// When nothing was written, or that is not known.
    ///
    /// # Panics
    /// Where the plan says [`Fault::SinkPanics`].
    ///
    /// # Cancel safety
    /// What was sent arrives, also if nobody waits for the answer any more.
    pub async fn write<'a>(
        &self,
        of: impl Into<EffectOf> + Send,
        fence: impl Into<Option<&'a Fence>> + Send,
    ) -> Result<(), SinkError> {
        let epoch = fence.into().map(|fence| fence.epoch);
        self.send(of.into(), epoch, Way::Plain).await.map(drop)
    }

    /// Writes a record's effect, unless something of the same lease was written under a newer
    /// token: a sink that compares them.
    ///
    /// # Errors
    /// [`SinkError::Fenced`] when the token is an older one; else as [`Self::write`].
    ///
    /// # Panics
    /// As [`Self::write`].
    ///
    /// # Cancel safety
    /// As [`Self::write`].
    pub async fn write_fenced(
        &self,
        of: impl Into<EffectOf> + Send,
        fence: &Fence,
    ) -> Result<(), SinkError> {
        let way = Way::Fenced(fence.key.as_str().to_owned(), fence.epoch);
        self.send(of.into(), Some(fence.epoch), way).await.map(drop)
    }

    /// Writes a record's effect under a unique key, unless the sink has that key: one that
    /// remembers what it did. False if it was there already.
    ///
    /// # Errors
    /// As [`Self::write`].
    ///
    /// # Panics
    /// As [`Self::write`].
    ///
    /// # Cancel safety
    /// As [`Self::write`].
    pub async fn write_once<'a>(
        &self,
        key: impl fmt::Display + Send,
        of: impl Into<EffectOf> + Send,
        fence: impl Into<Option<&'a Fence>> + Send,
    ) -> Result<bool, SinkError> {
        let epoch = fence.into().map(|fence| fence.epoch);
        self.send(of.into(), epoch, Way::Once(key.to_string())).await
    }

    /// Says that a record has its effect now: for a sink of your own, which decides that itself.
    /// Never fails and takes no time; see [`Self::reach`].
    pub fn note<'a>(&self, of: impl Into<EffectOf>, fence: impl Into<Option<&'a Fence>>) {
        if let (Some(place), false) = (self.place(&of.into()), self.process.is_dead()) {
            let epoch = fence.into().map(|fence| fence.epoch);
            self.book.ledger().wrote(&self.process, &place, epoch);
        }
    }

    /// What a call on a sink of your own goes through before it does anything: the time it takes to
    /// get there, and failures as the plan has them.
    ///
    /// # Errors
    /// [`SinkError::Unavailable`]: the sink was not reached.
    ///
    /// # Panics
    /// As [`Self::write`].
    ///
    /// # Cancel safety
    /// Safe.
    pub async fn reach(&self) -> Result<(), SinkError> {
        self.process.up().await;
        let _calling = self.process.call();
        let (before, _, fate) = self.draw();
        sleep(before).await;
        self.process.up().await;
        if fate == Fate::Served { Ok(()) } else { Err(SinkError::Unavailable) }
    }

    /// Something of this run that outlives every process, made when first asked for: the tables of
    /// a database of your own.
    #[must_use]
    pub fn shared<T: Default + Send + Sync + 'static>(&self) -> Arc<T> {
        self.store.shared()
    }

    /// The process that writes here: `w1`, or in its second life `w1#2`.
    #[must_use]
    pub fn worker(&self) -> &str {
        self.process.name()
    }

    async fn send(&self, of: EffectOf, epoch: Option<Epoch>, way: Way) -> Result<bool, SinkError> {
        self.process.up().await;
        let Some(place) = self.place(&of) else {
            // No record of this run: nothing is known of it, and nothing expected.
            return Ok(true);
        };
        let _calling = self.process.call();
        let (before, after, fate) = self.draw();
        if fate == Fate::Refused {
            sleep(before + after).await;
            self.process.up().await;
            self.book.ledger().note_write(&self.process, &place, "the sink is not available");
            return Err(SinkError::Unavailable);
        }
        let answer = self.on_its_way(before, place.clone(), epoch, way);
        let answer = answer.await.map_err(|_| SinkError::Unknown);
        sleep(after).await;
        self.process.up().await;
        if fate == Fate::ReplyLost {
            self.book.ledger().note_write(&self.process, &place, "the answer is lost");
            return Err(SinkError::Unknown);
        }
        answer?
    }

    /// Sends a write, which arrives whatever becomes of the sender.
    #[expect(clippy::disallowed_methods, reason = "what is on its way belongs to no process")]
    fn on_its_way(
        &self,
        before: Duration,
        place: Place,
        epoch: Option<Epoch>,
        way: Way,
    ) -> oneshot::Receiver<Result<bool, SinkError>> {
        let (answer, answered) = oneshot::channel();
        let (process, book, store) = (self.process.clone(), self.book.clone(), self.store.clone());
        tokio::spawn(async move {
            sleep(before).await;
            let result = store.admit(way);
            match &result {
                Ok(true) => book.ledger().wrote(&process, &place, epoch),
                Ok(false) => book.ledger().note_write(&process, &place, "the sink has it already"),
                Err(error) => book.ledger().note_write(&process, &place, &error.to_string()),
            }
            // Nobody may be left to hear it.
            let _ = answer.send(result);
        });
        answered
    }

    /// How long a call takes there and back, and what becomes of it.
    fn draw(&self) -> (Duration, Duration, Fate) {
        let mut rng = self.rng.lock().unwrap_or_else(PoisonError::into_inner);
        let way = |rng: &mut Rng| Duration::from_millis(1) + rng.span(self.latency);
        let (mut before, after) = (way(&mut rng), way(&mut rng));
        let (chance, silent, panics) = (rng.below(8), rng.below(4) == 0, rng.below(10) == 0);
        if self.active_faults.is(Fault::SinkSlow) {
            before += rng.span(Duration::from_secs(3));
        }
        drop(rng);
        if panics && self.active_faults.is(Fault::SinkPanics) {
            // Not `panic!`: a panic on purpose is no news for the terminal.
            std::panic::resume_unwind(Box::new("a panic put there on purpose"));
        }
        if let Some(left) = self.active_faults.left(Fault::SinkHangs, 0).filter(|_| silent) {
            let fate = if chance < 4 { Fate::Refused } else { Fate::Served };
            return (before + left, after, fate);
        }
        let fails = self.active_faults.is(Fault::SinkErrors);
        let fate = match chance {
            0 if fails => Fate::Refused,
            1 if fails => Fate::ReplyLost,
            _ => Fate::Served,
        };
        (before, after, fate)
    }

    fn place(&self, of: &EffectOf) -> Option<Place> {
        let ledger = self.book.ledger();
        match &of.0 {
            Of::Position(position) => ledger.place(position),
            Of::Number(number) => ledger.place_of_number(*number),
        }
    }
}

impl Store {
    /// Whether a write is done; false if it was before.
    fn admit(&self, way: Way) -> Result<bool, SinkError> {
        match way {
            Way::Plain => Ok(true),
            Way::Once(key) => {
                Ok(self.keys.lock().unwrap_or_else(PoisonError::into_inner).insert(key))
            }
            Way::Fenced(lease, epoch) => {
                let mut epochs = self.epochs.lock().unwrap_or_else(PoisonError::into_inner);
                let newest = epochs.entry(lease).or_insert(epoch);
                if *newest > epoch {
                    return Err(SinkError::Fenced { epoch, newest: *newest });
                }
                *newest = epoch;
                Ok(true)
            }
        }
    }

    pub(super) fn shared<T: Default + Send + Sync + 'static>(&self) -> Arc<T> {
        let mut shared = self.shared.lock().unwrap_or_else(PoisonError::into_inner);
        let made = shared.entry(TypeId::of::<T>()).or_insert_with(|| Arc::new(T::default()));
        // Each is kept under its own type.
        Arc::clone(made).downcast().unwrap_or_default()
    }
}

async fn sleep(span: Duration) {
    tokio::time::sleep_until(Instant::now() + span).await;
}

impl From<&Record> for EffectOf {
    fn from(record: &Record) -> Self {
        Self(Of::Position(record.position.clone()))
    }
}

impl From<&Position> for EffectOf {
    fn from(position: &Position) -> Self {
        Self(Of::Position(position.clone()))
    }
}

impl From<u64> for EffectOf {
    fn from(number: u64) -> Self {
        Self(Of::Number(number))
    }
}

impl fmt::Display for SinkError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unavailable => f.write_str("the sink is not available: nothing is written"),
            Self::Unknown => f.write_str("the sink did not answer: it may be written or not"),
            Self::Fenced { epoch, newest } => {
                write!(f, "epoch {epoch} is over: the sink has seen {newest}, nothing is written")
            }
        }
    }
}

impl std::error::Error for SinkError {}

impl fmt::Debug for Sink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sink").field("process", &self.process).finish_non_exhaustive()
    }
}
