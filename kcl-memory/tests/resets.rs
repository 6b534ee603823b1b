//! Whole fleets stop, their leases are reset, and they start again: under the faults of a network,
//! with commands that die, go on, are taken back, and run two at once. Every invariant is checked
//! at every step.

#![allow(clippy::panic, clippy::print_stdout, reason = "what goes wrong fails the test")]

use kcl_memory::sim::{Script, play};

/// What else happens: everything but stores that go back in time.
const KINDS: &[&str] = &[
    "reset",
    "reset",
    "reset",
    "split",
    "merge",
    "rescale",
    "trim",
    "crash",
    "join",
    "leave",
    "cold-start",
    "pause",
    "slow",
    "lose-replies",
    "late-requests",
    "repeat-requests",
    "crash-planner",
    "cut-replies",
];

const SEEDS: u64 = 60;

#[test]
fn fleets_go_on_from_where_they_are_reset_to() {
    let (mut made, mut undone, mut died) = (0, 0, 0);
    for seed in 0..SEEDS {
        let mut script = Script::with_faults(seed, KINDS);
        script.steps.truncate(30);
        match play(&script) {
            Ok(report) => {
                let count = |kind| report.faults.get(kind).copied().unwrap_or(0);
                made += count("reset-made");
                undone += count("reset-undone");
                died += count("command-died");
            }
            Err(broken) => panic!("seed {seed}: {broken}\n{script}"),
        }
    }
    let told = format!("{made} resets, {undone} undone, {died} commands died in {SEEDS} runs");
    println!("{told}");
    assert!(made > SEEDS && undone > 5 && died > 20, "that proves little: {told}");
}
