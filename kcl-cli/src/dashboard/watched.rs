//! An application that is looked at again and again.

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

/// Between two looks while nobody watches: who comes finds something, and it costs little.
const UNWATCHED: Duration = Duration::from_secs(15);

/// An application, and how it is looked at.
#[derive(Debug)]
pub(crate) struct Watched {
    pub(crate) name: String,
    pub(crate) config: Config,
    pub(crate) sight: Arc<Sight>,
    pub(crate) bounds: Bounds,
    pub(crate) shell: Shell,
    pub(crate) feed: Arc<Feed>,
    /// When somebody asked for what is known last, in microseconds of this machine's clock.
    pub(crate) asked: AtomicU64,
}

/// How often it is looked.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pace {
    /// At the store.
    pub(crate) store: Duration,
    /// At the stream.
    pub(crate) stream: Duration,
}

/// What was seen so far.
struct Seen {
    beats: Beats,
    progress: Progress,
    history: History,
    shown: Option<Shown>,
    told: OfStream,
    reader: Reader,
    planned: Option<Moves>,
    /// Has workers report with each beat while somebody looks at the page.
    onlooker: Onlooker,
}

/// What comes of something that is asked beside the looks.
enum Came {
    OfStream(OfStream),
    Moves(Option<Moves>),
}

impl Seen {
    fn hear(&mut self, came: Came) {
        match came {
            Came::OfStream(told) => self.told = told,
            Came::Moves(planned) => self.planned = planned,
        }
    }
}

impl Seen {
    async fn look_on(&mut self, facts: &Facts, clock: &dyn Clock) {
        if let (Some(sessions), Some(told)) = (facts.sessions.get(), facts.documents.get()) {
            self.onlooker.look_on(&sessions.rows, &told.reports, clock).await;
        }
    }
}

impl Watched {
    /// Looks until it is dropped, and tells `any` of each look.
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
                    // What panicked tells nothing.
                    came.into_iter().for_each(|came| seen.hear(came));
                }
                () = wait(&*clock, begun, pace.store, listeners) => {}
            }
        }
    }

    /// Somebody asks for what is known: for a while it is looked at as if that one watched.
    pub(crate) fn ask(&self) {
        self.asked.store(self.sight.clock.now().as_micros(), Ordering::Relaxed);
    }

    /// Whether somebody listens, or asked a little while ago.
    fn was_asked(&self) -> bool {
        let asked = Time::from_micros(self.asked.load(Ordering::Relaxed));
        let lately = asked > Time::ZERO && self.sight.clock.now() < asked + UNWATCHED;
        lately || self.feed.is_watched()
    }

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

    fn judge(&self, facts: &Facts, progress: &Progress) -> Verdict {
        let shell = self.shell.clone().reading(facts.stream_asked.as_deref());
        judge::judge(facts, progress, self.bounds, &shell)
    }
}

/// Waits until the next look is due: sooner if somebody watches.
async fn wait(clock: &dyn Clock, begun: Time, every: Duration, is_watched: impl Fn() -> bool) {
    /// How soon it is noticed that somebody came.
    const NOTICED: Duration = Duration::from_millis(200);
    clock.sleep_until(begun + every).await;
    while !is_watched() && clock.now() < begun + UNWATCHED {
        clock.sleep(NOTICED).await;
    }
}
