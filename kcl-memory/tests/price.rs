//! What a fleet at rest asks of its store: how often each worker reads, by its place in the order
//! of succession, and what that costs where every read has a price.
//!
//! The figures of PROTOCOL rule 6 and of the README. A real server's bill is added up by
//! `make bench-rebalance` (the rows of `idle`).

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "what goes wrong fails the test")]
#![allow(clippy::print_stderr, reason = "figures are printed for people")]

use std::{collections::BTreeMap, time::Duration};

use kcl_core::{
    coordinator::Assignment,
    lease::{DocName, WorkerId},
};
use kcl_memory::sim::{Script, World};

/// Longer than the longest pause between two looks, and a multiple of all.
const MINUTES: u64 = 10;

/// Bytes of a row in DynamoDB, at most: of a session with its stream and zone, and of a lease.
const SESSION_BYTES: u64 = 320;
const LEASE_BYTES: u64 = 400;

/// What DynamoDB reads for one unit, consistently; for half a unit, eventually consistently.
const UNIT_BYTES: u64 = 4_096;

/// Calls a minute, by name.
type Calls = BTreeMap<&'static str, f64>;

/// What each worker of a quiet fleet asks in a minute, in the order of succession.
fn quiet(workers: usize, shards: usize) -> Vec<Calls> {
    let mut world = World::new(Script::quiet(1, workers, shards));
    world.run_for(Duration::from_secs(60)).unwrap();
    let names: Vec<WorkerId> = world.held().into_iter().map(|(worker, _)| worker).collect();
    let ranked: BTreeMap<u32, WorkerId> =
        names.into_iter().map(|w| (rank(&world, &w), w)).collect();
    assert_eq!(ranked.len(), workers, "each has a place of its own");
    let of_all = |world: &World| ranked.values().map(|w| world.calls_of(w)).collect::<Vec<_>>();
    let before = of_all(&world);
    world.run_for(Duration::from_secs(60 * MINUTES)).unwrap();
    let since = |(after, before): (BTreeMap<&'static str, u64>, BTreeMap<&'static str, u64>)| {
        let each = after.into_iter().map(|(name, count)| {
            let count = count - before.get(name).copied().unwrap_or(0);
            (name, count as f64 / MINUTES as f64)
        });
        each.collect()
    };
    of_all(&world).into_iter().zip(before).map(since).collect()
}

fn rank(world: &World, worker: &WorkerId) -> u32 {
    let document = world.document(&DocName::assignment(worker)).unwrap();
    Assignment::decode(&document.body).unwrap().rank
}

/// Read units a second of a fleet of so many workers and leases, from what each rank asks. The last
/// of `ranks` stands for all that come after it.
fn read_units(ranks: &[Calls], workers: usize, leases: u64) -> f64 {
    let whole = |bytes: u64| bytes.div_ceil(UNIT_BYTES) as f64;
    let all_sessions = whole(workers as u64 * SESSION_BYTES);
    let all_leases = whole(leases * LEASE_BYTES);
    let price = |calls: &Calls| -> f64 {
        let count = |name| calls.get(name).copied().unwrap_or(0.0);
        // Each minute's audit lists the sessions consistently.
        let audits = count("leases");
        let listings = count("sessions") - audits;
        0.5 * count("session")
            + 0.5 * all_sessions * listings
            + audits * (all_sessions + all_leases)
            + count("lease")
            + count("doc")
    };
    let last = ranks.last().expect("ranks");
    let all: f64 = (0..workers).map(|rank| price(ranks.get(rank).unwrap_or(last))).sum();
    all / 60.0
}

#[test]
fn three_idle_workers_read_for_at_most_five_and_a_half_units_a_second() {
    let units = read_units(&quiet(3, 20), 3, 20);
    eprintln!("3 workers with 20 leases: {units:.2} read units/s");
    assert!(units <= 5.5, "{units:.2} read units/s");
}

/// Before the second standby and those that are near looked, it was 58.3.
#[test]
fn fifty_idle_workers_read_for_at_most_a_tenth_more_than_before() {
    let ranks = quiet(12, 48);
    let units = read_units(&ranks, 50, 1_000);
    eprintln!("50 workers with 1,000 leases: {units:.2} read units/s");
    for (rank, calls) in ranks.iter().enumerate() {
        eprintln!("rank {rank}: {calls:?}");
    }
    assert!(units <= 58.3 * 1.1, "{units:.2} read units/s");
}
