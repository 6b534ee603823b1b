//! What workers and the planner tell of themselves, and when: whole workers on virtual time.

#![allow(clippy::unwrap_used, reason = "what goes wrong fails the test")]

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use kcl_core::{
    env::WallTime,
    lease::{
        DocName, Document, PutDoc,
        report::{Moves, Watch, Why, WorkerReport},
    },
    processor::{ProcessorError, RecordBatch},
    store::{Consistency, LeaseStore, LeaseStoreExt},
    worker::{Worker, WorkerHandle},
};

use crate::bench::{self, Bench};

/// Starts a worker whose batches fail as long as this is set.
fn start(bench: &Bench, name: &str, fails: &Arc<AtomicBool>) -> WorkerHandle {
    let fails = Arc::clone(fails);
    let worker = Worker::builder(bench.stream.clone(), bench.server.store("test"))
        .worker_id(name.parse().unwrap())
        .env(bench.env.clone())
        .for_each_batch(move |_: RecordBatch| {
            let fails = fails.load(Ordering::SeqCst);
            async move { if fails { Err::<(), ProcessorError>("no".into()) } else { Ok(()) } }
        })
        .build()
        .unwrap();
    bench::run(worker)
}

async fn doc(bench: &Bench, name: DocName) -> Option<Document> {
    bench.server.store("test").doc(&name).await.unwrap()
}

async fn report(bench: &Bench, worker: &str) -> (u64, WorkerReport) {
    let document = doc(bench, DocName::report(&worker.parse().unwrap())).await.unwrap();
    (document.version, WorkerReport::decode(&document.body).unwrap())
}

/// Whether the worker tells that a shard fails.
async fn fails(bench: &Bench, worker: &str) -> bool {
    let (_, report) = report(bench, worker).await;
    let mut shards = report.shards.values();
    shards.any(|shard| shard.trouble.as_ref().is_some_and(|it| it.failing.is_some()))
}

#[test]
pub(crate) fn what_begins_to_fail_is_told_at_once() {
    bench::virtually(1, |bench| async move {
        let failing = Arc::new(AtomicBool::new(false));
        start(&bench, "a", &failing);
        bench.sleep(25).await;
        assert!(!fails(&bench, "a").await);
        failing.store(true, Ordering::SeqCst);
        bench.put(0..1);
        bench.sleep(5).await;
        assert!(fails(&bench, "a").await, "it begins");
        failing.store(false, Ordering::SeqCst);
        // Not twice in ten seconds; the pause before the next attempt is no longer.
        bench.sleep(25).await;
        assert!(!fails(&bench, "a").await, "it is over");
    });
}

#[test]
pub(crate) fn reports_come_with_each_beat_while_somebody_watches() {
    bench::virtually(1, |bench| async move {
        start(&bench, "a", &Arc::default());
        bench.sleep(15).await;
        let (before, _) = report(&bench, "a").await;
        bench.sleep(10).await;
        assert_eq!(report(&bench, "a").await.0, before, "nobody watches");
        let store = bench.server.store("test");
        let at = WallTime::from_millis(bench.env.clock.wall().as_millis());
        let put = PutDoc::new(DocName::watch(), None, Watch::new("a test", at).encode());
        assert!(store.put_doc(put).await.unwrap().is_done());
        for session in store.all_sessions(Consistency::Strong).await.unwrap() {
            store.wake(&session.id).await.unwrap();
        }
        bench.sleep(10).await;
        let watched = report(&bench, "a").await.0 - before;
        assert!((6..=8).contains(&watched), "ten seconds of beats: {watched}");
        bench.sleep(30).await;
        let (over, _) = report(&bench, "a").await;
        bench.sleep(10).await;
        assert_eq!(report(&bench, "a").await.0, over, "nobody watches any more");
    });
}

#[test]
pub(crate) fn a_planner_keeps_what_the_one_before_had_told() {
    bench::virtually(4, |bench| async move {
        let moves = async || -> Vec<(String, String)> {
            let document = doc(&bench, DocName::moves()).await.unwrap();
            let told = Moves::decode(&document.body).unwrap().moves.into_iter();
            told.map(|it| (it.lease.to_string(), it.to.to_string())).collect()
        };
        let first = start(&bench, "a", &Arc::default());
        bench.sleep(10).await;
        let before = moves().await;
        assert_eq!(before.len(), 4);
        start(&bench, "b", &Arc::default());
        bench.sleep(20).await;
        first.shut_down();
        bench.sleep(30).await;
        start(&bench, "c", &Arc::default());
        bench.sleep(20).await;
        let after = moves().await;
        assert_eq!(after[..4], before, "{after:?}");
        let came = |worker| after[4..].iter().filter(|(_, to)| to == worker).count();
        assert!(came("b") >= 2 && came("c") == 2, "{after:?}");
    });
}

/// It leaves within the two seconds for which plans are gathered before they are told.
#[test]
pub(crate) fn a_planner_that_leaves_tells_to_whom_it_gave_its_leases() {
    bench::virtually(4, |bench| async move {
        let first = start(&bench, "a", &Arc::default());
        bench.sleep(10).await;
        start(&bench, "b", &Arc::default());
        bench.sleep(20).await;
        first.shut_down();
        bench.sleep(30).await;
        let document = doc(&bench, DocName::moves()).await.unwrap();
        let told = Moves::decode(&document.body).unwrap().moves.into_iter();
        let left = told.filter(|it| it.why == Why::Leaves);
        let left: Vec<(String, String)> = left
            .map(|it| (it.from.map(|from| from.to_string()).unwrap_or_default(), it.to.to_string()))
            .collect();
        assert_eq!(left, vec![("a".to_owned(), "b".to_owned()); 2]);
    });
}
