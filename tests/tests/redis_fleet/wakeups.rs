//! Wake-ups that are pushed, that are lost, and that are another application's.

use std::time::Duration;

use kcl_core::{
    env::Env,
    lease::{Incarnation, Session, SessionId},
    store::{Consistency, LeaseStore},
};
use kcl_tests::servers::{RedisMake, RedisServer};

use super::bench::{Bench, hold, sleep};

/// From the start of a second worker to an even spread.
async fn second_worker_gets_its_share(bench: &Bench) -> Duration {
    let clock = Env::system().clock;
    let a = bench.start("a");
    hold(&[(&a, 4)]).await;
    // Past everything that a start sets in motion.
    sleep(2_000).await;
    let started = clock.now();
    let b = bench.start("b");
    hold(&[(&a, 2), (&b, 2)]).await;
    let took = clock.now().since(started);
    for worker in [a, b] {
        worker.stop().await;
    }
    took
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lost_wake_ups_cost_at_most_a_heartbeat_each() {
    let server = RedisServer::start(RedisMake::Redis).unwrap();
    let pushed = second_worker_gets_its_share(&Bench::new("pushed", server.url(), 4)).await;
    // Channels stay open, but nothing is ever said on them.
    server.tell(&["ACL", "SETUSER", "default", "-publish", "-spublish"]).await.unwrap();
    let bench = Bench::new("lost", server.url(), 4);
    let store = bench.store();
    let id = SessionId::new("sleeper".parse().unwrap(), Incarnation::from_bits(1));
    let (timeout, interval) = (Duration::from_secs(3), Duration::from_millis(750));
    let session = Session::new(id.clone(), 1, timeout, interval);
    assert!(store.register(session).await.unwrap().value.is_done());
    let mut wakeups = store.wakeups(&id).await.unwrap().unwrap();
    store.wake(&id).await.unwrap();
    tokio::select! {
        heard = wakeups.next() => panic!("a wake-up came through: {heard:?}"),
        () = sleep(500) => {}
    }
    let row = store.session(&id, Consistency::Strong).await.unwrap().unwrap();
    assert_eq!(row.mailbox, 1, "the mailbox is raised all the same");

    let lost = second_worker_gets_its_share(&bench).await;
    // The newcomer wakes the planner, the planner wakes both: two beats more at most. The rest is
    // for a machine that has other things to do.
    let coordination = &bench.settings.coordination;
    let most = pushed + 2 * coordination.heartbeat_interval + Duration::from_secs(2);
    assert!(lost <= most, "{lost:?} without wake-ups, {pushed:?} with them");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_applications_on_one_server_do_not_meet() {
    let server = RedisServer::start(RedisMake::Valkey).unwrap();
    // One name is the beginning of the other, and the workers' names are the same.
    let first = Bench::new("orders", server.url(), 4);
    let second = Bench::new("orders-eu", server.url(), 3);
    first.put(0, 100);
    second.put(0, 60);
    let (a, b) = (first.start("a"), second.start("a"));
    hold(&[(&a, 4), (&b, 3)]).await;
    first.checkpointed(100).await;
    second.checkpointed(60).await;
    assert_eq!((first.rows().await.len(), second.rows().await.len()), (4, 3));
    a.stop().await;
    hold(&[(&b, 3)]).await;
    assert_eq!((first.repeated(), second.repeated()), (vec![], vec![]));
    b.stop().await;
}
