//! Whole fleets on virtual time, under drawn faults, every invariant checked at every step.
//!
//! A failure prints the command that replays it. Scripts that proptest finds are shrunk to the
//! shortest that still fails.

#![allow(clippy::panic, reason = "what goes wrong here fails the test")]
#![allow(clippy::print_stdout, reason = "a replay tells what happened")]

use std::time::Duration;

use kcl_memory::sim::{Action, Network, Script, Step, World, play};
use proptest::prelude::*;

/// Seeds played in every run of the suite, in four tests that run side by side.
const SEEDS: u64 = 500;

fn play_seeds(part: u64) {
    for seed in (part..SEEDS).step_by(4) {
        if let Err(violation) = play(&Script::from_seed(seed)) {
            panic!(
                "seed {seed}: {violation}\nreplay: KCL_SEED={seed} cargo test -p kcl-tests \
                 --test simulation replay -- --nocapture"
            );
        }
    }
}

#[test]
fn seeds_first_quarter() {
    play_seeds(0);
}

#[test]
fn seeds_second_quarter() {
    play_seeds(1);
}

#[test]
fn seeds_third_quarter() {
    play_seeds(2);
}

#[test]
fn seeds_last_quarter() {
    play_seeds(3);
}

/// Replays the seed in `KCL_SEED` (7 if there is none) and prints what happened.
#[test]
fn replay() {
    let seed = std::env::var("KCL_SEED").map_or(7, |seed| seed.parse().expect("a number"));
    let script = Script::from_seed(seed);
    println!("{script:#?}");
    let (report, violation) = World::new(script).traced().play_explained();
    println!("{}", report.trace.join("\n"));
    println!("leases {:?}\ncalls {:?}\nnotices {:?}", report.held, report.calls, report.notices);
    assert!(violation.is_none(), "{}", violation.unwrap());
}

#[test]
fn the_same_script_gives_the_same_run() {
    for seed in [3, 11, 42, 77, 123] {
        let script = Script::from_seed(seed);
        let (first, second) = (play(&script).unwrap(), play(&script).unwrap());
        assert_eq!((first.digest, first.events), (second.digest, second.events), "seed {seed}");
    }
}

#[test]
fn a_fleet_left_alone_is_even_in_a_second_and_then_does_not_move() {
    let report = play(&Script::quiet(1, 3, 20)).unwrap();
    let mut held: Vec<usize> = report.held.values().copied().collect();
    held.sort_unstable();
    assert_eq!(held, [6, 7, 7]);
    assert_eq!(report.acquires, 20, "each lease is taken once");
    assert_eq!(report.duplicates, 0);
}

#[test]
fn joining_workers_cost_the_fewest_moves() {
    let join = |at| Step::new(at, Action::Join);
    let script = Script::quiet(5, 3, 30).with(vec![join(20_000), join(20_000)]);
    let report = play(&script).unwrap();
    assert!(report.held.values().all(|held| *held == 6), "{:?}", report.held);
    // Twelve of thirty have to move: 3 × (10 − 6).
    assert_eq!(report.acquires, 30 + 12);
    assert_eq!(report.duplicates, 0, "a handover delivers nothing twice");
}

#[test]
fn ten_splits_of_twenty_shards_move_nothing_that_need_not() {
    let splits = (0..10)
        .map(|n| Step::new(20_000 + n * 100, Action::Split(usize::try_from(n * 2).unwrap())));
    let report = play(&Script::quiet(5, 3, 20).with(splits.collect())).unwrap();
    assert!(report.held.values().all(|held| *held == 10), "{:?}", report.held);
    assert_eq!(report.duplicates, 0);
}

fn any_action() -> impl Strategy<Value = Action> {
    let who = 0_usize..8;
    let span = (500_u64..14_000).prop_map(Duration::from_millis);
    prop_oneof![
        3 => Just(Action::Join),
        1 => who.clone().prop_map(Action::JoinAs),
        2 => who.clone().prop_map(Action::Crash),
        2 => (who.clone(), span.clone()).prop_map(|(who, span)| Action::Pause(who, span)),
        2 => who.clone().prop_map(Action::Leave),
        1 => Just(Action::CrashPlanner),
        1 => span.clone().prop_map(Action::PausePlanner),
        1 => Just(Action::LeavePlanner),
        1 => Just(Action::CrashPlannerAndStandby),
        3 => who.clone().prop_map(Action::Split),
        2 => who.clone().prop_map(Action::Merge),
        1 => (who.clone(), span.clone()).prop_map(|(who, span)| Action::CutRequests(who, span)),
        1 => (who.clone(), span.clone()).prop_map(|(who, span)| Action::CutReplies(who, span)),
        1 => span.clone().prop_map(Action::Outage),
        1 => (who.clone(), span.clone())
            .prop_map(|(who, span)| Action::SlowProcessor(who, span * 3, span)),
        1 => (who, span).prop_map(|(who, span)| Action::HungProcessor(who, span * 3, span)),
        1 => (0_u64..3_000).prop_map(|millis| Action::RollBack(Duration::from_millis(millis))),
        1 => Just(Action::Trim),
    ]
}

prop_compose! {
    fn any_network()(
        spread in 1_u64..120,
        lost_request in 0_u64..30,
        lost_reply in 0_u64..30,
        late in 0_u64..30,
        repeated in 0_u64..30,
        stale in 0_u64..200,
    ) -> Network {
        let spread = Duration::from_millis(spread);
        Network { spread, lost_request, lost_reply, late, repeated, stale, ..Network::default() }
    }
}

prop_compose! {
    fn any_script()(
        seed: u64,
        workers in 1_usize..6,
        shards in 1_usize..10,
        network in any_network(),
        mut steps in proptest::collection::vec((1_000_u64..60_000, any_action()), 0..8),
    ) -> Script {
        steps.sort_by_key(|(at, _)| *at);
        let mut script = Script::quiet(seed, workers, shards);
        script.network = network;
        script.steps = steps.into_iter().map(|(at, action)| Step::new(at, action)).collect();
        script.settle = Duration::from_secs(100);
        script
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, ..ProptestConfig::default() })]

    #[test]
    fn no_script_breaks_an_invariant(script in any_script()) {
        let result = play(&script);
        prop_assert!(result.is_ok(), "{}\n{script:#?}", result.unwrap_err());
    }
}
