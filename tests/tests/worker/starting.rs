//! Starting, and what keeps a worker from it.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use kcl_core::{
    processor::{ProcessorError, RecordBatch},
    settings::Settings,
    store::StoreErrorKind,
    worker::{Worker, WorkerError},
};

use kcl_memory::{
    Faulty,
    faults::{Fate, Outcome, Policy},
};

use super::bench::{Bench, Running, virtually};

#[test]
fn settings_that_contradict_each_other_are_refused_with_the_numbers() {
    virtually(|env| async move {
        let bench = Bench::new(env, 1);
        let mut settings = Settings::default();
        settings.coordination.heartbeat_interval = Duration::from_secs(5);
        let built = bench.builder("a").settings(settings).for_each_batch(|_| async { Ok(()) });
        let WorkerError::Settings(refused) = built.build().unwrap_err() else { panic!("settings") };
        assert!(refused.to_string().contains("5s is too long for session_timeout 6s"), "{refused}");
    });
}

#[test]
fn of_two_processors_the_one_that_was_given_last_is_used() {
    virtually(|env| async move {
        let bench = Bench::new(env, 1);
        bench.put(0, 10);
        let used = [(); 2].map(|()| Arc::new(AtomicU32::new(0)));
        let [first, last] = used.clone().map(|used| {
            move |batch: RecordBatch| {
                let read = u32::try_from(batch.len()).unwrap();
                used.fetch_add(read, Ordering::SeqCst);
                async { Ok::<(), ProcessorError>(()) }
            }
        });
        let builder = bench.builder("a").for_each_batch(first).for_each_batch(last);
        let worker = Running::start(builder.build().unwrap());
        let read = || used.each_ref().map(|used| used.load(Ordering::SeqCst));
        bench.wait_for("all are read", || read().iter().sum::<u32>() == 10).await;
        worker.stop().await.unwrap();
        assert_eq!(read(), [0, 10]);
    });
}

#[test]
fn an_unknown_stream_is_refused_by_name_before_anything_is_registered() {
    virtually(|env| async move {
        let bench = Bench::new(env, 1);
        bench.stream.delete();
        let refused = bench.worker("a", Settings::default()).run().await.unwrap_err();
        let WorkerError::Source(source) = refused else { panic!("{refused}") };
        assert!(source.to_string().contains("orders"), "{source}");
        assert!(source.to_string().contains("no such stream"), "{source}");
    });
}

#[test]
fn a_lone_worker_reads_within_half_a_second() {
    virtually(|env| async move {
        let bench = Bench::new(env.clone(), 20);
        bench.put(0, 20);
        let started = env.clock.now();
        let worker = bench.start("a");
        bench.wait_for("the first record", || bench.log.len() > 0).await;
        let took = env.clock.now().since(started);
        assert!(took.as_millis() < 500, "virtual time, so no noise: {took:?}");
        worker.stop().await.unwrap();
    });
}

#[test]
fn run_until_leaves_when_its_signal_comes() {
    virtually(|env| async move {
        let bench = Bench::new(env.clone(), 4);
        bench.put(0, 40);
        let worker = bench.worker("a", Settings::default());
        let signal = env.clock.sleep(Duration::from_secs(5));
        worker.run_until(signal).await.unwrap();
        assert_eq!(bench.log.len(), 40);
        let next = bench.start("b");
        bench.sleep(5_000).await;
        assert_eq!((next.leases(), bench.log.len()), (4, 40));
        next.stop().await.unwrap();
    });
}

#[test]
fn a_worker_that_waits_for_its_store_leaves_when_it_is_asked_to() {
    virtually(|env| async move {
        let bench = Bench::new(env.clone(), 1);
        let away: Policy = Arc::new(|_| Fate::of(Outcome::Refused(StoreErrorKind::Unavailable)));
        let store = Faulty::new(Arc::new(bench.server.store("test")), env.clone(), away);
        let worker = Worker::builder(bench.stream.clone(), store)
            .env(env.clone())
            .for_each_batch(|_| async { Ok(()) })
            .build()
            .unwrap();
        let worker = Running::start(worker);
        bench.sleep(10_000).await;
        let asked = env.clock.now();
        worker.stop().await.unwrap();
        assert!(env.clock.now().since(asked) < Duration::from_secs(1));
        assert_eq!(bench.server.writes(), 0);
    });
}

#[test]
fn the_status_tells_what_is_held_and_how_far_it_is() {
    virtually(|env| async move {
        let bench = Bench::new(env, 2);
        bench.put(0, 30);
        let worker: Running = bench.start("a");
        bench.wait_for("thirty", || bench.log.len() == 30).await;
        let status = worker.handle.status();
        assert!(status.valid && status.planning && status.session.is_some());
        assert_eq!(status.leases.len(), 2);
        assert_eq!(status.leases.values().map(|lease| lease.records).sum::<u64>(), 30);
        assert!(status.leases.values().all(|lease| lease.epoch.0 > 0));
        worker.stop().await.unwrap();
    });
}

#[test]
fn a_worker_without_an_id_makes_one_up() {
    virtually(|env| async move {
        let bench = Bench::new(env.clone(), 1);
        let worker = Worker::builder(bench.stream.clone(), bench.server.store("test"))
            .env(env)
            .for_each_batch(|_| async { Ok(()) })
            .build()
            .unwrap();
        assert!(worker.handle().id().as_str().contains(&std::process::id().to_string()));
    });
}

#[test]
fn a_channel_for_wake_ups_is_opened_once_however_busy_the_worker_is() {
    virtually(|env| async move {
        let bench = Bench::new(env.clone(), 4);
        let openings = Arc::new(AtomicU32::new(0));
        let count = openings.clone();
        let slow: Policy = Arc::new(move |call| {
            let opens = call.op == "wakeups";
            count.fetch_add(u32::from(opens), Ordering::SeqCst);
            Fate { before: Duration::from_secs(u64::from(opens)), ..Fate::CALM }
        });
        let store = Faulty::new(Arc::new(bench.server.store("test")), env.clone(), slow);
        let worker = Worker::builder(bench.stream.clone(), store)
            .env(env)
            .for_each_batch(|_| async { Ok(()) })
            .build()
            .unwrap();
        let worker = Running::start(worker);
        // Several beats, and looks at the mailbox every half second until it is pushed.
        bench.sleep(10_000).await;
        assert_eq!(openings.load(Ordering::SeqCst), 1);
        worker.stop().await.unwrap();
    });
}
