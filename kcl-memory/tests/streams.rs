//! Whole workers on a paused clock: which stream an application reads, whether it is open, and
//! where reading starts.

#![allow(clippy::unwrap_used, reason = "what goes wrong fails the test")]

use std::sync::{Arc, Mutex};

use kcl_core::{
    env::WallTime,
    lease::{ChangeState, Changing, DocName, PutDoc, Streams},
    processor::{ProcessorError, RecordBatch},
    settings::{InitialPosition, Settings},
    store::{Consistency, LeaseStore, LeaseStoreExt},
    stream::StreamSource,
    worker::{Worker, WorkerError, WorkerEvent, WorkerHandle},
};
use kcl_memory::{MemoryStream, stream::StreamOptions};
use tokio::{sync::broadcast, task::JoinHandle};

use crate::bench::{Bench, virtually};

/// A worker, what it processed, and what it told.
struct Running {
    handle: WorkerHandle,
    task: JoinHandle<Result<(), WorkerError>>,
    read: Arc<Mutex<Vec<String>>>,
    told: broadcast::Receiver<WorkerEvent>,
}

impl Running {
    fn read(&self) -> Vec<String> {
        let mut read = self.read.lock().unwrap().clone();
        read.sort();
        read
    }

    /// How often it told of such an event.
    fn noticed(&mut self, is: impl Fn(&WorkerEvent) -> bool) -> usize {
        let mut count = 0;
        while let Ok(event) = self.told.try_recv() {
            count += usize::from(is(&event));
        }
        count
    }
}

fn at(position: InitialPosition) -> Settings {
    let mut settings = Settings::default();
    settings.coordination.initial_position = position;
    settings
}

#[allow(clippy::disallowed_methods, reason = "a test may spawn")]
fn start(bench: &Bench, stream: &MemoryStream, name: &str, settings: Settings) -> Running {
    let read: Arc<Mutex<Vec<String>>> = Arc::default();
    let into = Arc::clone(&read);
    let worker = Worker::builder(stream.clone(), bench.server.store("test"))
        .worker_id(name.parse().unwrap())
        .env(bench.env.clone())
        .settings(settings)
        .for_each_batch(move |batch: RecordBatch| {
            let into = Arc::clone(&into);
            async move {
                let texts = batch.iter().map(|r| String::from_utf8_lossy(&r.data).into_owned());
                into.lock().unwrap().extend(texts);
                Ok::<(), ProcessorError>(())
            }
        })
        .build()
        .unwrap();
    let handle = worker.handle();
    let told = handle.events();
    Running { handle, task: tokio::spawn(worker.run()), read, told }
}

/// Another stream beside the bench's own.
fn other(bench: &Bench) -> MemoryStream {
    let mut options = StreamOptions::new("payments");
    (options.shards, options.env) = (2, bench.env.clone());
    let stream = MemoryStream::with(options);
    for n in 0..10 {
        stream.put(&format!("key-{n}"), format!("p{n}")).unwrap();
    }
    stream
}

fn numbers(prefix: &str) -> Vec<String> {
    (0..10).map(|n| format!("{prefix}{n}")).collect()
}

async fn put(bench: &Bench, name: DocName, over: Option<u64>, body: bytes::Bytes) {
    let put = PutDoc::new(name, over, body);
    assert!(bench.server.store("test").put_doc(put).await.unwrap().is_done());
}

#[test]
fn of_two_streams_under_one_name_one_is_read_and_the_other_worker_says_so() {
    virtually(2, |bench| async move {
        let payments = other(&bench);
        bench.put(0..10);
        let one = start(&bench, &bench.stream, "a", Settings::default());
        let two = start(&bench, &payments, "b", Settings::default());
        bench.sleep(20).await;
        let (loser, winner) = if one.task.is_finished() { (one, two) } else { (two, one) };
        let error = loser.task.await.unwrap().unwrap_err();
        let said = error.to_string();
        assert!(matches!(error, WorkerError::OtherStream { .. }), "{said}");
        assert!(said.contains("orders") && said.contains("payments"), "{said}");
        assert!(loser.read.lock().unwrap().is_empty(), "it read before it left");
        let all = [numbers(""), numbers("p")];
        assert!(all.contains(&winner.read()), "{:?}", winner.read());
    });
}

/// A worker keeps its id and gets another stream, as in a deployment whose configuration changes:
/// it does not take back what its former life held.
#[test]
fn a_worker_that_comes_back_with_another_stream_leaves_the_former_leases_alone() {
    virtually(2, |bench| async move {
        let payments = other(&bench);
        bench.put(0..10);
        let former = start(&bench, &bench.stream, "a", Settings::default());
        bench.sleep(5).await;
        former.task.abort();
        let _ = former.task.await;
        let mut later = start(&bench, &payments, "a", Settings::default());
        bench.sleep(30).await;
        assert_eq!(later.read(), numbers("p"));
        assert!(later.noticed(|event| matches!(event, WorkerEvent::StreamDiffers { .. })) > 0);
        let rows = bench.server.store("test").all_leases().await.unwrap();
        let session = later.handle.status().session;
        let held = rows.iter().filter(|row| row.owner == session);
        let streams: Vec<_> = held.filter_map(|row| row.key.stream()).collect();
        assert!(streams.iter().all(|stream| &*stream.name == "payments"), "{streams:?}");
        assert_eq!(streams.len(), 2);
    });
}

#[test]
fn a_document_that_makes_no_sense_is_waited_out_and_never_written_over() {
    virtually(1, |bench| async move {
        bench.put(0..10);
        put(&bench, DocName::streams(), None, "of a later version".into()).await;
        let mut worker = start(&bench, &bench.stream, "a", Settings::default());
        bench.sleep(60).await;
        assert_eq!(worker.read(), Vec::<String>::new());
        let unreadable =
            |event: &WorkerEvent| matches!(event, WorkerEvent::DocumentUnreadable { .. });
        assert_eq!(worker.noticed(unreadable), 1, "it is said once");
        let stored = bench.server.store("test").doc(&DocName::streams()).await.unwrap().unwrap();
        assert_eq!((stored.version, &stored.body[..]), (1, &b"of a later version"[..]));
        let mended = Streams::of(&bench.stream.describe().await.unwrap());
        put(&bench, DocName::streams(), Some(1), mended.encode()).await;
        bench.sleep(20).await;
        assert_eq!(worker.read(), numbers(""));
    });
}

#[test]
fn while_an_application_is_closed_workers_wait_without_a_session() {
    virtually(1, |bench| async move {
        bench.put(0..10);
        let by = "kcl leases reset --to latest on host x";
        let closed = |state| Changing::new(state, by, WallTime::from_millis(1), "t1").encode();
        put(&bench, DocName::changing(), None, closed(ChangeState::Closed)).await;
        let mut worker = start(&bench, &bench.stream, "a", Settings::default());
        bench.sleep(60).await;
        let sessions = bench.server.store("test").all_sessions(Consistency::Strong).await.unwrap();
        assert!(sessions.iter().all(|row| row.has_ended()), "{sessions:?}");
        assert_eq!(worker.read(), Vec::<String>::new());
        let told = worker
            .noticed(|event| matches!(event, WorkerEvent::Closed { by: said, .. } if said == by));
        assert_eq!(told, 1, "it is said once, and for whom");
        put(&bench, DocName::changing(), Some(1), closed(ChangeState::Open)).await;
        bench.sleep(20).await;
        assert_eq!(worker.read(), numbers(""));
        assert_eq!(worker.noticed(|event| *event == WorkerEvent::Reopened), 1);
        worker.handle.shut_down();
        worker.task.await.unwrap().unwrap();
    });
}

#[test]
fn who_waits_because_the_application_is_closed_leaves_when_it_is_told_to() {
    virtually(1, |bench| async move {
        put(&bench, DocName::changing(), None, "of a later version".into()).await;
        let worker = start(&bench, &bench.stream, "a", Settings::default());
        bench.sleep(10).await;
        worker.handle.shut_down();
        bench.sleep(5).await;
        assert!(worker.task.is_finished());
        worker.task.await.unwrap().unwrap();
    });
}

#[test]
fn a_start_that_is_still_to_come_is_refused_with_both_times() {
    virtually(1, |bench| async move {
        bench.put(0..10);
        let now = bench.env.clock.wall().as_millis();
        let hour = WallTime::from_millis(now + 3_600_000);
        let worker = start(&bench, &bench.stream, "a", at(InitialPosition::AtTimestamp(hour)));
        bench.sleep(5).await;
        assert!(worker.task.is_finished(), "it is refused at once");
        let error = worker.task.await.unwrap().unwrap_err();
        let said = error.to_string();
        assert!(matches!(error, WorkerError::StartAhead { at, .. } if at == hour), "{said}");
        assert!(said.contains(&hour.to_string()) && said.contains("latest"), "{said}");
        // Nothing is frozen: another setting is as good as ever.
        let worker = start(&bench, &bench.stream, "a", Settings::default());
        bench.sleep(10).await;
        assert_eq!(worker.read(), numbers(""));
    });
}

/// The stream's clock may be told to the second only.
#[test]
fn a_start_that_is_a_moment_ahead_is_waited_for() {
    virtually(1, |bench| async move {
        let soon = WallTime::from_millis(bench.env.clock.wall().as_millis() + 2_000);
        let worker = start(&bench, &bench.stream, "a", at(InitialPosition::AtTimestamp(soon)));
        bench.sleep(1).await;
        assert_eq!(worker.handle.status().session, None);
        bench.sleep(5).await;
        bench.put(0..10);
        bench.sleep(10).await;
        assert_eq!(worker.read(), numbers(""));
    });
}

#[test]
fn a_worker_says_once_that_another_start_is_in_force() {
    virtually(1, |bench| async move {
        let first = start(&bench, &bench.stream, "a", at(InitialPosition::Latest));
        bench.sleep(10).await;
        let mut same = start(&bench, &bench.stream, "b", at(InitialPosition::Latest));
        let mut other = start(&bench, &bench.stream, "c", Settings::default());
        bench.sleep(200).await;
        let differs = |event: &WorkerEvent| {
            let (began, here) = (Some(InitialPosition::Latest), InitialPosition::TrimHorizon);
            matches!(event, WorkerEvent::StartDiffers { by, wanted, .. }
                if *by == began && *wanted == here)
        };
        assert_eq!((same.noticed(differs), other.noticed(differs)), (0, 1));
        first.handle.shut_down();
        bench.sleep(100).await;
        assert_eq!(other.noticed(differs), 0, "also when it plans itself");
    });
}
