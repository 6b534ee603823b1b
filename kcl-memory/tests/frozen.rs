//! Fleets that are frozen and thawed while workers come, go and die, shards split and rules change:
//! no lease goes from one live worker to another, and what nobody holds is read all the same.

#![allow(clippy::panic, clippy::print_stdout, reason = "what goes wrong fails the test")]

use kcl_memory::sim::{Action, Script, Step, World, play};

/// What else happens.
const KINDS: &[&str] = &[
    "join",
    "join",
    "leave",
    "crash",
    "crash-planner",
    "deploy",
    "split",
    "merge",
    "require",
    "prefer",
    "clear-rules",
    "garble-rules",
    "slow",
    "lose-replies",
    "late-requests",
    "repeat-requests",
    "roll-back",
    "freeze",
    "thaw",
];

const SEEDS: u64 = 120;

/// A fleet that is frozen early, and now and then again.
fn script(seed: u64) -> Script {
    let mut script = Script::with_faults(seed, KINDS);
    script.steps.truncate(40);
    script.steps.insert(0, Step::new(500, Action::Freeze));
    script
}

#[test]
fn nothing_moves_in_a_frozen_fleet_and_everything_is_read() {
    let (mut frozen, mut thawed) = (0, 0);
    for seed in 0..SEEDS {
        let script = script(seed);
        match play(&script) {
            Ok(report) => {
                let count = |kind| report.faults.get(kind).copied().unwrap_or(0);
                frozen += count("freeze");
                thawed += count("thaw");
            }
            Err(broken) => panic!("seed {seed}: {broken}\n{script}"),
        }
    }
    println!("{frozen} times frozen and {thawed} times thawed in {SEEDS} runs");
    assert!(frozen > SEEDS && thawed > SEEDS / 2, "that proves little");
}

/// The judge sees a move in a frozen fleet: a rule is changed under it, without a word to it.
#[test]
fn a_move_in_a_frozen_fleet_would_be_seen() {
    let mut world = World::new(Script::quiet(7, 3, 9));
    world.run_for(std::time::Duration::from_secs(10)).unwrap();
    world.act_now(&Action::Freeze).unwrap();
    world.run_for(std::time::Duration::from_secs(130)).unwrap();
    // Only the planner hears of that: the fleet is thawed behind the judge's back.
    world.tamper_docs(|docs| drop(docs.remove(&kcl_core::lease::DocName::placement())));
    world.act_now(&Action::Join).unwrap();
    let broken = world.run_for(std::time::Duration::from_secs(130)).unwrap_err();
    assert_eq!(broken.invariant, "a frozen fleet keeps what it holds");
}
