//! What observers are told: of every call on the store and the stream, exactly, and of every batch.

#![allow(clippy::unwrap_used, reason = "what goes wrong fails the test")]

mod counting;
mod keeper;

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use kcl_core::{
    change::{self, Intent, Reset},
    observe::{
        BatchEnd, BatchEnded, Observer, SourceCallEnd, SourceCallEnded, StoreCallEnd,
        StoreCallEnded, Subject, WorkerEvent,
    },
    processor::RecordBatch,
    settings::InitialPosition,
    store::{LeaseStore, StoreErrorKind},
    stream::SourceErrorKind,
    worker::{Worker, WorkerHandle},
};
use kcl_memory::{
    Faulty,
    faults::{Call, CallKind, Fate, Outcome},
};

use self::counting::{CountingSource, CountingStore, Noted};
use crate::bench::{self, Bench};

/// What an observer was told.
#[derive(Clone, Default)]
struct Told {
    store: Noted,
    source: Noted,
    batches: Noted,
    events: Arc<Mutex<Vec<WorkerEvent>>>,
    begun: Arc<AtomicU64>,
    slowest: Arc<Mutex<Duration>>,
}

impl Observer for Told {
    fn event(&self, about: &Subject, event: &WorkerEvent) {
        assert_eq!((&*about.application, &about.lease.as_ref()), ("test", &event.lease()));
        self.events.lock().unwrap().push(event.clone());
    }

    fn store_call(&self, about: &Subject, call: &StoreCallEnded<'_>) {
        assert_eq!(&*about.application, "test");
        let mut slowest = self.slowest.lock().unwrap();
        *slowest = call.took.max(*slowest);
        self.store.note(
            call.op,
            match call.end {
                StoreCallEnd::Done => "done".to_owned(),
                StoreCallEnd::Refused => "refused".to_owned(),
                StoreCallEnd::Failed(error) => format!("{:?}", error.kind),
                StoreCallEnd::TimedOut(_) | StoreCallEnd::Abandoned => "dropped".to_owned(),
                StoreCallEnd::Panicked => "panicked".to_owned(),
                other => format!("{other:?}"),
            },
        );
    }

    fn source_call(&self, about: &Subject, call: &SourceCallEnded<'_>) {
        assert_eq!(
            about.shard.is_some(),
            matches!(call.op, "open" | "next" | "close"),
            "{}",
            call.op
        );
        let count = || format!("{} records, {} bytes", call.records, call.bytes);
        self.source.note(
            call.op,
            match call.end {
                SourceCallEnd::Done if call.op == "next" => count(),
                SourceCallEnd::Done => "done".to_owned(),
                SourceCallEnd::Lost => "lost".to_owned(),
                SourceCallEnd::ShardEnded => "ended".to_owned(),
                SourceCallEnd::Failed(error) => format!("{:?}", error.kind),
                SourceCallEnd::Abandoned => "dropped".to_owned(),
                other => format!("{other:?}"),
            },
        );
    }

    fn batch_begins(&self, _: &Subject, _: &RecordBatch) {
        self.begun.fetch_add(1, Ordering::Relaxed);
    }

    fn batch(&self, about: &Subject, batch: &BatchEnded<'_>) {
        assert_eq!(about.stream.as_deref(), Some("orders"));
        let end = match batch.end {
            BatchEnd::Failed(error) => format!("failed: {error}"),
            end => format!("{end:?}"),
        };
        for _ in 0..batch.records() {
            self.batches.note("record", end.clone());
        }
        self.batches.note("batch", end);
    }
}

/// A panic that prints nothing.
fn fall() {
    std::panic::resume_unwind(Box::new("an observer's defect"));
}

/// Panics at everything.
struct Clumsy;

impl Observer for Clumsy {
    fn event(&self, _: &Subject, _: &WorkerEvent) {
        fall();
    }

    fn store_call(&self, _: &Subject, _: &StoreCallEnded<'_>) {
        fall();
    }

    fn source_call(&self, _: &Subject, _: &SourceCallEnded<'_>) {
        fall();
    }

    fn batch_begins(&self, _: &Subject, _: &RecordBatch) {
        fall();
    }

    fn batch(&self, _: &Subject, _: &BatchEnded<'_>) {
        fall();
    }
}

/// A store on which much goes wrong, call by call.
fn troubled(bench: &Bench, noted: &Noted) -> CountingStore<Faulty<dyn LeaseStore>> {
    let calls = AtomicU64::new(0);
    let policy = move |call: &Call| {
        let number = calls.fetch_add(1, Ordering::Relaxed);
        if call.kind == CallKind::Setup {
            return Fate::CALM;
        }
        assert!(number != 60, "a defect of the store");
        match number % 23 {
            4 => Fate::of(Outcome::Refused(StoreErrorKind::Throttled)),
            9 | 15 | 20 => Fate::of(Outcome::ReplyLost),
            13 => Fate::of(Outcome::Late(Duration::from_millis(200))),
            // Longer than anybody waits.
            17 => Fate::CALM.slowly(Duration::from_secs(9), Duration::ZERO),
            _ => Fate::CALM.slowly(Duration::from_millis(5), Duration::from_millis(5)),
        }
    };
    let server: Arc<dyn LeaseStore> = Arc::new(bench.server.store("test"));
    CountingStore(Faulty::new(server, bench.env.clone(), Arc::new(policy)), noted.clone())
}

/// Starts a worker whose calls on store and stream are noted in `store` and `source`.
fn start(bench: &Bench, name: &str, told: &Told, store: &Noted, source: &Noted) -> WorkerHandle {
    let fails = AtomicU64::new(0);
    let fails = Arc::new(fails);
    let stream = CountingSource(bench.stream.clone(), source.clone());
    let worker = Worker::builder(stream, troubled(bench, store))
        .worker_id(name.parse().unwrap())
        .env(bench.env.clone())
        .observer(Clumsy)
        .observer(told.clone())
        .for_each_batch(move |_| {
            let count = fails.fetch_add(1, Ordering::Relaxed);
            async move { if count == 1 { Err("not yet".into()) } else { Ok(()) } }
        })
        .build()
        .unwrap();
    bench::run(worker)
}

#[test]
fn every_call_on_the_store_and_the_stream_is_told_as_it_ended_and_no_other() {
    bench::virtually(3, |bench| async move {
        let (told, store, source) = (Told::default(), Noted::default(), Noted::default());
        bench.put(0..30);
        let first = start(&bench, "a", &told, &store, &source);
        bench.sleep(40).await;
        let second = start(&bench, "b", &told, &store, &source);
        bench.sleep(60).await;
        bench.stream.fail(Arc::new(|call| {
            let shard = call.shard.as_ref()?;
            shard.as_str().ends_with('1').then_some(SourceErrorKind::Throttled)
        }));
        bench.put(30..60);
        bench.sleep(20).await;
        bench.stream.heal();
        bench.sleep(60).await;
        first.shut_down();
        bench.sleep(60).await;
        second.shut_down();
        bench.sleep(60).await;
        assert_eq!(told.store.tally(), store.tally());
        assert_eq!(told.source.tally(), source.tally());
        for how in ["done", "refused", "Unknown", "Throttled", "dropped", "panicked"] {
            assert!(store.ended(how) > 0, "no call to the store ended like this: {how}");
        }
        // Waiting is no call, so that none is dropped here.
        for how in ["done", "Throttled", "0 records, 0 bytes"] {
            assert!(source.ended(how) > 0, "no call to the stream ended like this: {how}");
        }
        assert_eq!(*told.slowest.lock().unwrap(), Duration::from_secs(6), "a beat, given up");
        let of_batches = told.batches.tally();
        let ends = |what, how: &str| of_batches.get(&(what, how.to_owned())).copied();
        assert!(ends("batch", "failed: not yet") >= Some(1), "{of_batches:?}");
        assert!(ends("record", "Done") >= Some(60), "{of_batches:?}");
        let all: u64 = of_batches.iter().filter(|((it, _), _)| *it == "batch").map(|it| it.1).sum();
        assert_eq!(told.begun.load(Ordering::Relaxed), all, "what begins ends");
    });
}

#[test]
fn whoever_subscribed_and_whoever_observes_is_told_of_the_same_events() {
    bench::virtually(2, |bench| async move {
        let (told, noted) = (Told::default(), Noted::default());
        bench.put(0..20);
        let handle = start(&bench, "a", &told, &noted, &noted);
        let mut events = handle.events();
        bench.sleep(60).await;
        handle.shut_down();
        bench.sleep(60).await;
        let heard: Vec<WorkerEvent> = std::iter::from_fn(|| events.try_recv().ok()).collect();
        assert_eq!(heard, *told.events.lock().unwrap());
        let has = |is: fn(&WorkerEvent) -> bool| heard.iter().filter(|event| is(event)).count();
        assert_eq!(has(|it| matches!(it, WorkerEvent::Registered { .. })), 1, "{heard:?}");
        assert!(has(|it| matches!(it, WorkerEvent::PlanningStarted { .. })) > 0, "{heard:?}");
        assert!(has(|it| matches!(it, WorkerEvent::LeaseGained { .. })) >= 2, "{heard:?}");
        assert!(has(|it| matches!(it, WorkerEvent::CheckpointStored { .. })) > 0, "{heard:?}");
        assert_eq!(has(|it| matches!(it, WorkerEvent::BatchFailed { .. })), 1, "{heard:?}");
        assert_eq!(has(|it| matches!(it, WorkerEvent::Finished { .. })), 1, "{heard:?}");
    });
}

#[test]
fn the_calls_of_a_command_that_rewrites_leases_are_told_too() {
    bench::virtually(2, |bench| async move {
        let (told, noted) = (Told::default(), Noted::default());
        bench.put(0..10);
        let handle = start(&bench, "a", &Told::default(), &Noted::default(), &Noted::default());
        bench.sleep(30).await;
        handle.shut_down();
        bench.sleep(30).await;
        let store = CountingStore(bench.server.store("test"), noted.clone());
        let store: Arc<dyn LeaseStore> = Arc::new(store);
        let reset = Intent::Make(Arc::new(Reset::All(InitialPosition::TrimHorizon)));
        let (by, env) = ("a test", &bench.env);
        let observers: Vec<Arc<dyn Observer>> = vec![Arc::new(Clumsy), Arc::new(told.clone())];
        let source = Some(&bench.stream as _);
        change::apply_observed(reset, by, &store, source, env, observers).await.unwrap();
        assert_eq!(told.store.tally(), noted.tally());
        assert!(noted.tally().contains_key(&("restart", "done".to_owned())), "{:?}", noted.tally());
    });
}
