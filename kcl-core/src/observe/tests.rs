use std::{
    collections::BTreeSet,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;

use super::{
    event::WorkerEvent,
    observer::{Observer, StoreCallEnd, StoreCallEnded, Subject},
    seam::Seam,
    store::WatchedStore,
};
use crate::{
    env::{Clock, Time, WallTime},
    lease::{Epoch, LeaseKey},
    store::{LeaseStore, StoreErrorKind},
};

/// A clock that only sleeping moves, and every sleep ends at once.
#[derive(Debug, Default)]
struct Still(AtomicU64);

#[async_trait]
impl Clock for Still {
    fn now(&self) -> Time {
        Time::from_millis(self.0.load(Ordering::Relaxed))
    }

    fn wall(&self) -> WallTime {
        WallTime::from_millis(0)
    }

    async fn sleep_until(&self, at: Time) {
        self.0.fetch_max(at.as_micros() / 1_000, Ordering::Relaxed);
    }
}

/// An observer that records its calls.
#[derive(Clone, Default)]
struct Notes(Arc<Mutex<Vec<String>>>);

impl Notes {
    fn note(&self, text: String) {
        self.0.lock().unwrap().push(text);
    }

    fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().unwrap())
    }
}

impl Observer for Notes {
    fn event(&self, about: &Subject, event: &WorkerEvent) {
        let of = (about.stream.as_deref(), about.shard.as_ref().map(ToString::to_string));
        self.note(format!("{} {:?} {event:?}", about.application, of));
    }

    fn store_call(&self, _: &Subject, call: &StoreCallEnded<'_>) {
        let end = match call.end {
            StoreCallEnd::Failed(error) => error.kind.to_string(),
            end => format!("{end:?}"),
        };
        self.note(format!("{} {end} {:?}", call.op, call.took));
    }
}

/// An observer that panics in every call.
struct Clumsy;

impl Observer for Clumsy {
    fn event(&self, _: &Subject, _: &WorkerEvent) {
        panic!("an observer's defect");
    }

    fn store_call(&self, _: &Subject, _: &StoreCallEnded<'_>) {
        panic!("an observer's defect");
    }
}

/// An observer with the default methods.
struct Silent;

impl Observer for Silent {}

fn seam(notes: &Notes) -> Seam {
    let clock = Arc::new(Still::default());
    let observers: [Arc<dyn Observer>; 3] =
        [Arc::new(Clumsy), Arc::new(Silent), Arc::new(notes.clone())];
    Seam::new("app", Some("w".parse().unwrap()), clock, observers)
}

#[test]
fn a_panic_of_an_observer_ends_nothing_and_the_others_are_told() {
    let notes = Notes::default();
    let seam = seam(&notes);
    seam.event(&WorkerEvent::Lapsed);
    assert_eq!(notes.take(), ["app (None, None) Lapsed"]);
}

#[test]
fn an_event_about_a_lease_says_which_stream_and_shard() {
    let notes = Notes::default();
    let key: LeaseKey = "orders/7/shard-0".parse().unwrap();
    seam(&notes).event(&WorkerEvent::LeaseStalled { key, epoch: Epoch(3) });
    let told = notes.take().pop().unwrap();
    assert!(told.starts_with("app (Some(\"orders\"), Some(\"shard-0\"))"), "{told}");
}

/// The behaviour of a store's calls.
#[derive(Debug)]
enum Does {
    Answer,
    Hang,
    Panic,
}

#[derive(Debug)]
struct Store(Does);

macro_rules! no_other_calls {
    ($($name:ident($($arg:ty),*) -> $answer:ty;)+) => {
        #[async_trait]
        impl LeaseStore for Store {
            fn application(&self) -> &str {
                "app"
            }

            fn location(&self) -> String {
                "test:".to_owned()
            }

            async fn prepare(&self) -> crate::store::StoreResult<()> {
                match self.0 {
                    Does::Answer => Ok(()),
                    Does::Hang => std::future::pending().await,
                    Does::Panic => panic!("a store's defect"),
                }
            }

            $(async fn $name(&self, $(_: $arg),*) -> crate::store::StoreResult<$answer> {
                let kind = StoreErrorKind::Unavailable;
                Err(crate::store::StoreError::new(kind, stringify!($name), "it"))
            })+
        }
    };
}

use crate::{
    lease::{self, SessionId, Stamped, Write},
    store::{Consistency, Cursor, Page, Wakeups},
};

no_other_calls! {
    register(lease::Session) -> Stamped<Write<lease::Session>>;
    beat(lease::Beat) -> Stamped<Write<lease::Session>>;
    end_session(lease::EndSession) -> Write<lease::Session>;
    forget(lease::Forget) -> Write<lease::Session>;
    session(&SessionId, Consistency) -> Option<lease::Session>;
    sessions(Option<Cursor>, Consistency) -> Page<lease::Session>;
    wake(&SessionId) -> ();
    wakeups(&SessionId) -> Option<Box<dyn Wakeups>>;
    create(lease::Lease) -> Write<lease::Lease>;
    lease(&LeaseKey) -> Option<lease::Lease>;
    leases(Option<Cursor>) -> Page<lease::Lease>;
    acquire(lease::Acquire) -> Write<lease::Lease>;
    advance(lease::Advance) -> Write<lease::Lease>;
    release(lease::Release) -> Write<lease::Lease>;
    restart(lease::Restart) -> Write<lease::Lease>;
    delete(lease::Delete) -> Write<lease::Lease>;
    doc(&lease::DocName) -> Option<lease::Document>;
    put_doc(lease::PutDoc) -> Write<lease::Document>;
    docs(Option<Cursor>) -> Page<lease::Document>;
    delete_doc(lease::DeleteDoc) -> Write<lease::Document>;
}

fn run<F: Future>(future: F) -> F::Output {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
}

#[test]
fn a_call_that_is_not_answered_in_time_has_timed_out_and_its_outcome_is_unknown() {
    let notes = Notes::default();
    let store = WatchedStore::new(Arc::new(Store(Does::Hang)), seam(&notes));
    let error = run(store.within(Duration::from_secs(3)).prepare()).unwrap_err();
    assert_eq!(error.kind, StoreErrorKind::Unknown);
    assert_eq!(notes.take(), ["prepare TimedOut(3s) 3s"]);
}

#[test]
fn a_call_that_nobody_waits_for_any_more_is_told_once() {
    let notes = Notes::default();
    let store = WatchedStore::new(Arc::new(Store(Does::Hang)), seam(&notes));
    run(async {
        let mut call = Box::pin(store.prepare());
        tokio::select! {
            biased;
            _ = &mut call => panic!("it hangs"),
            () = std::future::ready(()) => {}
        }
    });
    assert_eq!(notes.take(), ["prepare Abandoned 0ns"]);
}

#[test]
fn a_store_that_panics_is_told_of_also_where_an_observer_panics_meanwhile() {
    let notes = Notes::default();
    let store = WatchedStore::new(Arc::new(Store(Does::Panic)), seam(&notes));
    let call = std::panic::AssertUnwindSafe(|| run(store.prepare()));
    assert!(std::panic::catch_unwind(call).is_err(), "whoever asked hears of it, too");
    assert_eq!(notes.take(), ["prepare Panicked 0ns"]);
}

#[test]
fn answers_and_failures_are_told() {
    let notes = Notes::default();
    let store = WatchedStore::new(Arc::new(Store(Does::Answer)), seam(&notes));
    run(store.prepare()).unwrap();
    run(store.leases(None)).unwrap_err();
    let failed = format!("leases {} 0ns", StoreErrorKind::Unavailable);
    assert_eq!(notes.take(), ["prepare Done 0ns".to_owned(), failed]);
}

/// The names of the methods in the trait or implementation that starts with `of`.
fn methods(text: &str, of: &str) -> BTreeSet<String> {
    let body = text.split(of).nth(1).and_then(|rest| rest.split("\n}\n").next()).unwrap();
    let names = body.split("fn ").skip(1).filter_map(|rest| rest.split('(').next());
    names.map(ToOwned::to_owned).collect()
}

/// If a method with a default were not forwarded, it would silently do nothing.
#[test]
fn whatever_a_store_or_a_source_can_do_is_passed_on() {
    let contract = include_str!("../store/contract.rs");
    let watched = include_str!("store.rs");
    let store = methods(contract, "pub trait LeaseStore");
    assert!(store.len() > 20, "{store:?}");
    assert_eq!(methods(watched, "impl LeaseStore for WatchedStore"), store);
    let (contract, watched) = (include_str!("../stream/source.rs"), include_str!("source.rs"));
    let source = methods(contract, "pub trait StreamSource");
    assert!(source.contains("open"), "{source:?}");
    assert_eq!(methods(watched, "impl StreamSource for WatchedSource"), source);
    let reader = methods(contract, "pub trait ShardReader");
    assert_eq!(methods(watched, "impl ShardReader for WatchedReader"), reader);
}

/// The kinds of events, by name.
fn kinds() -> Vec<&'static str> {
    let groups = [
        include_str!("event/session.rs"),
        include_str!("event/lease.rs"),
        include_str!("event/planning.rs"),
        include_str!("event/reading.rs"),
        include_str!("event/processing.rs"),
        include_str!("event/around.rs"),
    ];
    let lines = groups.into_iter().flat_map(str::lines);
    let variants = lines.filter_map(|line| line.strip_prefix("    "));
    let variants = variants.filter(|line| line.starts_with(|c: char| c.is_ascii_uppercase()));
    let names: Vec<&str> = variants.map(|line| line.trim_end_matches([',', '{', ' '])).collect();
    assert!(names.len() > 40, "{names:?}");
    names
}

/// The authors of observers rely on finding every kind of event among the samples.
#[test]
fn there_is_one_sample_of_each_kind_of_event() {
    let key: LeaseKey = "orders/7/shard-0".parse().unwrap();
    let name = |event: &WorkerEvent| {
        let text = format!("{event:?}");
        text.split([' ', '{', '(']).next().unwrap().to_owned()
    };
    let mut samples: Vec<String> = super::testing::events(&key).iter().map(name).collect();
    let mut kinds = kinds();
    samples.sort_unstable();
    kinds.sort_unstable();
    assert_eq!(samples, kinds);
}

#[test]
fn each_event_has_a_line_of_its_own_in_the_log() {
    let (log, names) = (include_str!("log.rs"), kinds());
    let is_logged = |name: &&&str| {
        let ends = [" {", " =>"].map(|end| log.contains(&format!("E::{name}{end}")));
        ends.contains(&true)
    };
    let unlogged: Vec<_> = names.iter().filter(|name| !is_logged(name)).collect();
    assert!(unlogged.is_empty(), "{unlogged:?}");
}
