//! Reads one application again and again, and puts a model of each reading into its feed.
//!
//! Each application has a task that runs [`Watched::follow`]. It reads the store at one rate, and
//! the stream and the planner's moves at a slower one, in tasks of their own: a slow stream must
//! not delay what the store shows. While no page watches, the task reads every [`UNWATCHED`] only.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use kcl_core::{
    env::{Clock, Time},
    lease::report::{Moves, Reader},
};
use tokio::{sync::watch, task::JoinSet};

use super::{
    feed::Feed,
    model::{History, Look, Model, Shown},
    moves,
};
use crate::{
    beats::Beats,
    config::Config,
    doctor::{
        facts::{Facts, OfStream, Progress, Sight},
        judge::{self, Bounds, Fleet, Verdict},
        remedy::Shell,
    },
    onlooker::Onlooker,
};

/// The pause between two readings while no page watches. A page that opens then has something to
/// show at once.
const UNWATCHED: Duration = Duration::from_secs(15);

/// One application of this dashboard.
#[derive(Debug)]
pub(crate) struct Watched {
    pub(crate) name: String,
    /// The settings for this application.
    pub(crate) config: Config,
    /// Reads the store and the stream.
    pub(crate) sight: Arc<Sight>,
    /// The thresholds of the judges.
    pub(crate) bounds: Bounds,
    /// Spells the commands that the page shows.
    pub(crate) shell: Shell,
    /// The models, for the pages.
    pub(crate) feed: Arc<Feed>,
    /// The time of the last request about this application, in microseconds of the monotonic clock;
    /// 0 before the first.
    pub(crate) asked: AtomicU64,
}

/// The intervals between two readings while a page watches.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pace {
    /// Between two readings of the store.
    pub(crate) store: Duration,
    /// Between two readings of the stream.
    pub(crate) stream: Duration,
}

/// What the task keeps from one reading to the next.
struct Seen {
    beats: Beats,
    progress: Progress,
    /// The moves that readings showed.
    history: History,
    /// The last answer of each source; `None` before the first reading.
    shown: Option<Shown>,
    /// The last answer of the stream.
    told: OfStream,
    /// Tells the age of reports.
    reader: Reader,
    /// The moves that the planner reported.
    planned: Option<Moves>,
    /// Asks the workers to report with each beat while a page watches.
    onlooker: Onlooker,
}

/// The answer of a task that runs beside the readings of the store.
enum Came {
    OfStream(OfStream),
    Moves(Option<Moves>),
}

impl Seen {
    /// Keeps the answer of a task.
    fn hear(&mut self, came: Came) {
        match came {
            Came::OfStream(told) => self.told = told,
            Came::Moves(planned) => self.planned = planned,
        }
    }
}

impl Seen {
    /// Asks the workers for frequent reports, if sessions and documents are known.
    async fn look_on(&mut self, facts: &Facts, clock: &dyn Clock) {
        if let (Some(sessions), Some(told)) = (facts.sessions.get(), facts.documents.get()) {
            self.onlooker.look_on(&sessions.rows, &told.reports, clock).await;
        }
    }
}

impl Watched {
    /// Reads the application until this future is dropped, and notifies `any` after each reading.
    pub(crate) async fn follow(self: Arc<Self>, pace: Pace, any: watch::Sender<()>) {
        let clock = Arc::clone(&self.sight.clock);
        let (store, patience) = (Arc::clone(&self.sight.store), self.sight.patience);
        let mut seen = Seen {
            onlooker: Onlooker::new(store, "kcl dashboard", patience),
            beats: Beats::default(),
            progress: Progress::default(),
            history: History::default(),
            shown: None,
            told: OfStream::not_yet(),
            reader: Reader::new(),
            planned: None,
        };
        let mut asking = JoinSet::new();
        let mut ask = clock.now();
        loop {
            let begun = clock.now();
            let beats = std::mem::take(&mut seen.beats);
            let look =
                Box::pin(self.sight.look_at_store(beats, &mut seen.reader, seen.told.clone()));
            let facts = look.await;
            let question = self.sight.question(&facts);
            if self.was_asked() {
                seen.look_on(&facts, &*clock).await;
            }
            self.take(&mut seen, facts);
            any.send_replace(());
            if asking.is_empty() && clock.now() >= ask {
                let sight = Arc::clone(&self.sight);
                let (store, patience) = (Arc::clone(&sight.store), sight.patience);
                let planned = moves::read(store, Arc::clone(&clock), patience);
                asking.spawn(async move { Came::Moves(planned.await) });
                let told = async move { Box::pin(sight.ask_stream(question)).await };
                asking.spawn(async move { Came::OfStream(told.await) });
                ask = clock.now() + pace.stream;
            }
            let listeners = || self.was_asked() || any.receiver_count() > 0;
            tokio::select! {
                Some(came) = asking.join_next(), if !asking.is_empty() => {
                    // A task that panicked has no answer; the next round asks again.
                    came.into_iter().for_each(|came| seen.hear(came));
                }
                () = wait(&*clock, begun, pace.store, listeners) => {}
            }
        }
    }

    /// Notes a request: for the next [`UNWATCHED`] the application is read as if a page watched.
    pub(crate) fn ask(&self) {
        self.asked.store(self.sight.clock.now().as_micros(), Ordering::Relaxed);
    }

    /// Whether a page watches, or a request came within the last [`UNWATCHED`].
    fn was_asked(&self) -> bool {
        let asked = Time::from_micros(self.asked.load(Ordering::Relaxed));
        let lately = asked > Time::ZERO && self.sight.clock.now() < asked + UNWATCHED;
        lately || self.feed.is_watched()
    }

    /// Judges a reading, makes the model, and puts it into the feed.
    fn take(&self, seen: &mut Seen, facts: Facts) {
        seen.progress.note(&facts);
        let verdict = self.judge(&facts, &seen.progress);
        if let (Some(leases), Some(_)) = (facts.leases.get(), facts.sessions.get()) {
            seen.history.note(&leases.rows, Fleet::of(&facts), facts.wall);
        }
        seen.beats = facts.sessions.get().map(|it| it.beats.clone()).unwrap_or_default();
        let shown = Shown::after(seen.shown.take(), facts);
        let Seen { progress, history, .. } = &*seen;
        let planned = seen.planned.as_ref();
        let look = Look { shown: &shown, verdict: &verdict, progress, history, planned };
        self.feed.put(Model::of(&look));
        seen.shown = Some(shown);
    }

    /// Judges a reading. The proposed commands name the stream that was asked.
    fn judge(&self, facts: &Facts, progress: &Progress) -> Verdict {
        let shell = self.shell.clone().reading(facts.stream_asked.as_deref());
        judge::judge(facts, progress, self.bounds, &shell)
    }
}

/// Waits until the next reading is due: `every` after `begun` if a page watches, else [`UNWATCHED`]
/// after it, or as soon as a page comes.
async fn wait(clock: &dyn Clock, begun: Time, every: Duration, is_watched: impl Fn() -> bool) {
    /// How soon this function notices that a page came.
    const NOTICED: Duration = Duration::from_millis(200);
    clock.sleep_until(begun + every).await;
    while !is_watched() && clock.now() < begun + UNWATCHED {
        clock.sleep(NOTICED).await;
    }
}
