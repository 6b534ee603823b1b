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
    lease::{
        Document,
        report::{Reader, Reports},
    },
};
use tokio::{sync::watch, task::JoinSet};

use super::{
    feed::Feed,
    model::{History, Look, Model, Shown},
    reports,
};
use crate::{
    beats::Beats,
    config::Config,
    doctor::{
        facts::{Facts, OfStream, Progress, Sight},
        judge::{self, Bounds, Fleet, Verdict},
        remedy::Shell,
    },
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
    reports: Option<(Reports, Time)>,
}

/// What comes of something that is asked beside the looks.
enum Came {
    OfStream(OfStream),
    Reports(Result<Vec<Document>, String>),
}

impl Seen {
    fn hear(&mut self, came: Came, now: Time) {
        match came {
            Came::OfStream(told) => self.told = told,
            Came::Reports(Ok(documents)) => {
                let sessions = self.shown.as_ref().and_then(|it| it.facts.sessions.get());
                let sessions = sessions.map_or(&[][..], |it| &it.rows);
                self.reports = Some((self.reader.read(&documents, sessions, now), now));
            }
            // What was told before is not shown as if it were told now.
            Came::Reports(Err(_)) => self.reports = None,
        }
    }
}

impl Watched {
    /// Looks until it is dropped, and tells `any` of each look.
    pub(crate) async fn follow(self: Arc<Self>, pace: Pace, any: watch::Sender<()>) {
        let clock = Arc::clone(&self.sight.clock);
        let mut seen = Seen {
            beats: Beats::default(),
            progress: Progress::default(),
            history: History::default(),
            shown: None,
            told: OfStream::not_yet(),
            reader: Reader::new(),
            reports: None,
        };
        let mut asking = JoinSet::new();
        let mut ask = clock.now();
        loop {
            let begun = clock.now();
            let beats = std::mem::take(&mut seen.beats);
            let look = Box::pin(self.sight.look_at_store(beats, seen.told.clone()));
            let facts = look.await;
            let (question, tellers) = (self.sight.question(&facts), reports::tellers(&facts));
            self.take(&mut seen, facts);
            any.send_replace(());
            if asking.is_empty() && clock.now() >= ask {
                let sight = Arc::clone(&self.sight);
                let (store, patience) = (Arc::clone(&sight.store), sight.patience);
                let reports = reports::read(store, tellers, Arc::clone(&clock), patience);
                asking.spawn(async move { Came::Reports(reports.await) });
                let told = async move { Box::pin(sight.ask_stream(question)).await };
                asking.spawn(async move { Came::OfStream(told.await) });
                ask = clock.now() + pace.stream;
            }
            let listeners = || self.was_asked() || any.receiver_count() > 0;
            tokio::select! {
                Some(came) = asking.join_next(), if !asking.is_empty() => {
                    // What panicked tells nothing.
                    came.into_iter().for_each(|came| seen.hear(came, clock.now()));
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
        let reports = seen.reports.as_ref();
        let look = Look { shown: &shown, verdict: &verdict, progress, history, reports };
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
