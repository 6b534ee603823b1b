//! What is about threads: on the real machine, with short times.

use std::time::Duration;

use kcl_core::{
    env::Env,
    processor::{ProcessorError, RecordBatch},
    settings::{Coordination, Settings},
    worker::WorkerEvent,
};

use super::bench::{Bench, Running};

/// Times a tenth of the defaults.
fn short() -> Settings {
    let mut settings = Settings::default();
    let mut coordination = Coordination::default();
    coordination.session_timeout = Duration::from_millis(900);
    coordination.heartbeat_interval = Duration::from_millis(200);
    coordination.clock_guard = Duration::from_millis(60);
    coordination.watch_interval = Duration::from_millis(250);
    coordination.fast_poll = Duration::from_millis(40);
    coordination.wake_poll = Duration::from_millis(60);
    settings.coordination = coordination;
    settings
}

/// A processor that blocks every thread of the user's runtime for three session timeouts loses no
/// lease: the keeper beats on a thread of its own.
#[test]
fn a_processor_that_blocks_every_thread_loses_no_lease() {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let other = tokio::runtime::Runtime::new().unwrap();
    let bench = Bench::new(Env::system(), 4);
    let log = bench.log.clone();
    let block = move |batch: RecordBatch| {
        let log = log.clone();
        async move {
            std::thread::sleep(Duration::from_millis(2_700));
            log.note(&batch);
            Ok::<(), ProcessorError>(())
        }
    };
    let blocking = bench.builder("a").settings(short()).for_each_batch(block).build().unwrap();
    let handle = blocking.handle();
    let mut events = handle.events();
    let blocking = {
        let _inside = runtime.enter();
        Running::start(blocking)
    };
    other.block_on(async {
        bench.wait_for("four leases", || blocking.leases() == 4).await;
        // A second worker that would take whatever it can.
        bench.put(0, 4);
        bench.sleep(300).await;
        assert_eq!(bench.log.len(), 0, "every thread is blocked");
        bench.sleep(2_200).await;
        assert_eq!(blocking.leases(), 4);
        assert!(handle.status().valid);
        bench.wait_for("all four", || bench.log.len() == 4).await;
    });
    while let Ok(event) = events.try_recv() {
        let lost = matches!(event, WorkerEvent::LeaseLost { .. } | WorkerEvent::Fenced { .. });
        assert!(!lost, "{event:?}");
    }
    other.block_on(async { blocking.stop().await.unwrap() });
}

/// The user's future is dropped: the session is ended, so that others need not wait for it.
#[test]
fn a_dropped_worker_frees_its_leases_at_once() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let bench = Bench::new(Env::system(), 4);
        let first = Running::start(bench.worker("a", short()));
        bench.wait_for("four leases", || first.leases() == 4).await;
        let second = Running::start(bench.worker("b", short()));
        bench.wait_for("two leases each", || (first.leases(), second.leases()) == (2, 2)).await;
        first.task.abort();
        bench.wait_for("all leases", || second.leases() == 4).await;
        second.stop().await.unwrap();
    });
}
