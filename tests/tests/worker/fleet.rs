//! Several workers.

use std::time::Duration;

use kcl_core::{
    env::Env,
    settings::{SameId, Settings},
    worker::{WorkerError, WorkerEvent},
};

use super::bench::{Bench, Running, virtually};

async fn even(bench: &Bench, workers: &[&Running], total: usize) {
    bench
        .wait_for("an even spread", || {
            let counts: Vec<usize> = workers.iter().map(|worker| worker.leases()).collect();
            let (most, least) = (counts.iter().max().unwrap(), counts.iter().min().unwrap());
            counts.iter().sum::<usize>() == total && most - least <= 1
        })
        .await;
}

#[test]
fn workers_share_the_shards_evenly_as_they_come_and_go() {
    virtually(|env| async move {
        let bench = Bench::new(env, 20);
        let (a, b, c) = (bench.start("a"), bench.start("b"), bench.start("c"));
        even(&bench, &[&a, &b, &c], 20).await;
        bench.put(0, 500);
        let (d, e) = (bench.start("d"), bench.start("e"));
        even(&bench, &[&a, &b, &c, &d, &e], 20).await;
        bench.put(500, 500);
        b.stop().await.unwrap();
        even(&bench, &[&a, &c, &d, &e], 20).await;
        bench.put(1_000, 500);
        bench.wait_for("all", || bench.log.len() >= 1_500).await;
        bench.sleep(5_000).await;
        assert_eq!(bench.log.len(), 1_500, "handovers deliver nothing twice");
        for worker in [a, c, d, e] {
            worker.stop().await.unwrap();
        }
    });
}

#[test]
fn a_worker_that_dies_is_replaced_and_nothing_is_lost() {
    virtually(|env: Env| async move {
        let bench = Bench::new(env, 6);
        let (a, b) = (bench.start("a"), bench.start("b"));
        even(&bench, &[&a, &b], 6).await;
        bench.put(0, 300);
        // Its future is dropped, and every run with it: the session is ended with one write.
        a.task.abort();
        even(&bench, &[&b], 6).await;
        bench.put(300, 300);
        bench
            .wait_for("all", || {
                let seen: std::collections::BTreeSet<String> =
                    bench.log.all().into_iter().collect();
                seen.len() == 600
            })
            .await;
        b.stop().await.unwrap();
    });
}

#[test]
fn the_older_of_two_workers_with_one_id_stops_and_says_why() {
    virtually(|env| async move {
        let bench = Bench::new(env, 4);
        let older = bench.start("a");
        bench.wait_for("four leases", || older.leases() == 4).await;
        let mut events = older.handle.events();
        let newer = bench.start("a");
        let refused = older.task.await.unwrap().unwrap_err();
        assert!(matches!(&refused, WorkerError::DuplicateWorkerId(id) if id.as_str() == "a"));
        assert!(refused.to_string().contains("an id of its own"), "{refused}");
        let mut told = false;
        while let Ok(event) = events.try_recv() {
            told |= matches!(event, WorkerEvent::DuplicateWorkerId { .. });
        }
        assert!(told);
        bench.wait_for("four leases", || newer.leases() == 4).await;
        newer.stop().await.unwrap();
    });
}

#[test]
fn the_newer_of_two_workers_with_one_id_stops_where_that_is_refused() {
    virtually(|env| async move {
        let bench = Bench::new(env, 4);
        let mut settings = Settings::default();
        settings.coordination.same_id = SameId::Refuse;
        let older = Running::start(bench.worker("a", settings.clone()));
        bench.wait_for("four leases", || older.leases() == 4).await;
        let newer = bench.worker("a", settings).run().await.unwrap_err();
        assert!(matches!(newer, WorkerError::DuplicateWorkerId(_)));
        assert_eq!(older.leases(), 4);
        older.stop().await.unwrap();
    });
}

#[test]
fn a_cap_that_is_too_small_leaves_leases_unassigned_and_lists_them() {
    virtually(|env| async move {
        let bench = Bench::new(env, 10);
        let mut settings = Settings::default();
        settings.coordination.max_leases = Some(4);
        let a = Running::start(bench.worker("a", settings.clone()));
        let mut events = a.handle.events();
        let leases = loop {
            if let WorkerEvent::Unassignable { leases, .. } = events.recv().await.unwrap() {
                break leases;
            }
        };
        assert_eq!(leases.len(), 6);
        assert!(leases[0].1.contains("limit"), "{}", leases[0].1);
        let b = Running::start(bench.worker("b", settings.clone()));
        let c = Running::start(bench.worker("c", settings));
        even(&bench, &[&a, &b, &c], 10).await;
        for worker in [a, b, c] {
            worker.stop().await.unwrap();
        }
    });
}

#[test]
fn two_applications_in_one_store_do_not_meet() {
    virtually(|env| async move {
        let bench = Bench::new(env.clone(), 4);
        bench.put(0, 40);
        let other = Bench { server: bench.server.clone(), ..Bench::new(env, 4) };
        other.put(0, 40);
        let a = bench.start("a");
        let log = other.log.clone();
        let worker =
            kcl_core::worker::Worker::builder(other.stream.clone(), bench.server.store("another"))
                .worker_id("a".parse().unwrap())
                .env(other.env.clone())
                .for_each_batch(move |batch| {
                    let log = log.clone();
                    async move {
                        log.note(&batch);
                        Ok(())
                    }
                });
        let b = Running::start(worker.build().unwrap());
        bench.wait_for("both", || bench.log.len() == 40 && other.log.len() == 40).await;
        assert_eq!((a.leases(), b.leases()), (4, 4));
        a.stop().await.unwrap();
        b.stop().await.unwrap();
    });
}

#[test]
fn a_whole_fleet_that_is_stopped_at_once_does_not_wait_for_itself() {
    virtually(|env| async move {
        let bench = Bench::new(env, 12);
        let (a, b, c) = (bench.start("a"), bench.start("b"), bench.start("c"));
        even(&bench, &[&a, &b, &c], 12).await;
        let clock = bench.env.clock.clone();
        let asked = clock.now();
        for worker in [&a, &b, &c] {
            worker.handle.shut_down();
        }
        for worker in [a, b, c] {
            worker.task.await.unwrap().unwrap();
        }
        let took = clock.now().since(asked);
        assert!(took < Duration::from_secs(6), "virtual time, so no noise: {took:?}");
    });
}
