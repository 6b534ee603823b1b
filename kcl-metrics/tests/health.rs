//! Probes: alive depends on the keeper alone, ready on the first beat and on leaving.

use kcl_core::{
    env::Time,
    observe::StoreCallEnd,
    store::{StoreError, StoreErrorKind},
};

use crate::bench::{Bench, key};

fn health(bench: &Bench) -> (bool, bool) {
    let health = bench.metrics.health();
    (health.alive, health.ready)
}

#[test]
fn a_worker_is_ready_from_its_first_beat_until_it_leaves() {
    let bench = Bench::new();
    assert_eq!(health(&bench), (true, false));
    bench.store("register", StoreCallEnd::Done, 5);
    bench.store("beat", StoreCallEnd::Refused, 5);
    assert_eq!(health(&bench), (true, false));
    bench.store("beat", StoreCallEnd::Done, 5);
    assert_eq!(health(&bench), (true, true));
    for trouble in ["Lapsed", "Fenced", "Closed", "StoreUnprepared", "StreamUnknown"] {
        bench.happens(&key(0), trouble);
        assert_eq!(health(&bench), (true, true), "{trouble}");
    }
    bench.happens(&key(0), "Leaving");
    assert_eq!(health(&bench), (true, false));
    bench.happens(&key(0), "Finished");
    assert_eq!(health(&bench), (true, false));
}

#[test]
fn a_worker_is_alive_as_long_as_its_keeper_comes_round_whatever_store_and_stream_do() {
    let bench = Bench::new();
    bench.gain(0);
    let down = StoreError::new(StoreErrorKind::Unavailable, "beat", "it");
    for _ in 0..100 {
        bench.turn(bench.now() + std::time::Duration::from_secs(2), 0);
        bench.store("beat", StoreCallEnd::Failed(&down), 2_000);
        bench.pass(2_000);
        assert_eq!(health(&bench), (true, false));
    }
    // It said that it would come round two seconds later, and does not.
    bench.turn(bench.now() + std::time::Duration::from_secs(2), 0);
    bench.pass(32_000);
    assert!(bench.metrics.health().alive);
    bench.pass(1);
    assert!(!bench.metrics.health().alive);
    bench.turn(Time::NEVER, 31_000);
    bench.pass(3_600_000);
    assert!(bench.metrics.health().alive, "it waits for an answer");
}
