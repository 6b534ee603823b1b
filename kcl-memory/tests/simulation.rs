//! Whole fleets on virtual time, under drawn faults, every invariant checked at every step.
//!
//! What fails is shrunk to the shortest script that still fails, and that is written to
//! `target/simulation` with the command that replays it. Scripts in `regressions` once failed.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "what goes wrong here fails the test"
)]
#![allow(clippy::print_stdout, reason = "a replay tells what happened")]

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use kcl_memory::sim::{Action, Campaign, Ending, Finding, Network, Script, Step, World, play};
use proptest::prelude::*;

/// Seeds played in every run of the suite.
const SEEDS: u64 = 2_000;

/// A folder of this package.
fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

/// Shrinks what was found, writes it down, and says where.
fn keep(finding: &Finding) -> String {
    let shortest = finding.shrunk();
    let file = shortest.save(&folder("../target/simulation")).expect("a folder to write to");
    format!(
        "{shortest}replay: KCL_SCRIPT={} cargo test -p kcl-memory --test simulation replay -- \
         --nocapture",
        file.display()
    )
}

#[test]
fn no_seed_breaks_an_invariant() {
    let tally = Campaign::of(0..SEEDS).play(|_, _| {});
    if let Some(first) = tally.findings.first() {
        let seeds: Vec<u64> = tally.findings.iter().map(|found| found.script.seed).collect();
        panic!("seeds {seeds:?}; the first: {}", keep(first));
    }
    assert_eq!(tally.seeds, SEEDS);
    assert!(tally.twice >= SEEDS / 100, "{} seeds were played twice", tally.twice);
    let hours = tally.worker_time.as_secs() / 3_600;
    assert!(hours >= 4_000, "{hours} worker-hours");
    let never = Action::KINDS.iter().filter(|kind| !tally.faults.contains_key(**kind));
    // Of these there are runs of their own: tests/resets.rs, tests/frozen.rs, tests/marked.rs.
    let never = never.filter(|kind| !Action::APART.contains(*kind));
    let never: Vec<_> = never.collect();
    assert!(never.is_empty(), "never took effect: {never:?}");
}

/// Replays the script in the file `KCL_SCRIPT`, or the seed `KCL_SEED` (7 if there is neither), and
/// prints what happened.
#[test]
fn replay() {
    let script = match std::env::var("KCL_SCRIPT") {
        Ok(file) => {
            let text = fs::read_to_string(&file).expect("a file that can be read");
            text.parse().unwrap_or_else(|error| panic!("{file}: {error}"))
        }
        Err(_) => {
            let seed = std::env::var("KCL_SEED");
            Script::from_seed(seed.map_or(7, |seed| seed.parse().expect("a number")))
        }
    };
    println!("{script}");
    let (report, violation) = World::new(script).traced().play_explained();
    println!("{}", report.trace.join("\n"));
    println!("leases {:?}\ncalls {:?}\nnotices {:?}", report.held, report.calls, report.notices);
    println!("faults {:?}", report.faults);
    assert!(violation.is_none(), "{}", violation.unwrap());
}

#[test]
fn what_once_broke_stays_mended() {
    let mut files = 0;
    for entry in fs::read_dir(folder("tests/regressions")).expect("the folder of scripts") {
        let file = entry.expect("an entry").path();
        let text = fs::read_to_string(&file).expect("a text");
        assert!(text.starts_with("# "), "{} does not say what it broke", file.display());
        let script: Script =
            text.parse().unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        if let Err(violation) = play(&script) {
            panic!("{}: {violation}", file.display());
        }
        files += 1;
    }
    assert!(files > 0, "the scripts are not where they are looked for");
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
    (0..Action::KINDS.len(), any::<u64>())
        .prop_map(|(kind, seed)| Action::drawn(Action::KINDS[kind], seed).expect("a kind"))
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
        calm: bool,
        pushes: bool,
        mut steps in proptest::collection::vec((1_000_u64..60_000, any_action()), 0..8),
    ) -> Script {
        steps.sort_by_key(|(at, _)| *at);
        let mut script = Script::quiet(seed, workers, shards);
        script.network = network;
        script.steps = steps.into_iter().map(|(at, action)| Step::new(at, action)).collect();
        script.settle = Duration::from_secs(20);
        script.ending = if calm { Ending::Calm } else { Ending::Abrupt };
        script.pushes = pushes;
        script
    }
}

proptest! {
    // The simulator shrinks better than proptest, which does not know that a run is a script.
    #![proptest_config(ProptestConfig {
        cases: 100,
        max_shrink_iters: 0,
        ..ProptestConfig::default()
    })]

    #[test]
    fn no_script_breaks_an_invariant(script in any_script()) {
        if let Some(finding) = Finding::of(&script) {
            prop_assert!(false, "{}", keep(&finding));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, ..ProptestConfig::default() })]

    #[test]
    fn a_run_that_is_recorded_is_the_same_run(seed: u64) {
        let script = Script::from_seed(seed);
        let (plain, _) = World::new(script.clone()).play_explained();
        let (recorded, _) = World::new(script).recorded().play_explained();
        prop_assert_eq!(plain.digest, recorded.digest);
    }
}
