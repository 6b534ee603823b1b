//! Whole fleets stop, their leases are reset, and they start again: under the faults of a network,
//! with commands that die, go on, are taken back, and run two at once. Every invariant is checked
//! at every step.

#![allow(clippy::panic, clippy::print_stdout, reason = "what goes wrong fails the test")]

use std::time::Duration;

use kcl_memory::sim::{Action, Script, Step, play};

/// What else happens.
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

/// The same with a store that goes back in time, and again and again in the midst of a reset.
const BACK: &[&str] = &[
    "reset",
    "reset",
    "reset",
    "roll-back",
    "roll-back",
    "roll-back",
    "lose-fence",
    "split",
    "crash",
    "join",
    "cold-start",
    "pause",
    "slow",
    "lose-replies",
    "late-requests",
    "repeat-requests",
];

/// What the resets of many runs came to.
#[derive(Debug, Default)]
struct Tally {
    made: u64,
    undone: u64,
    died: u64,
    back: u64,
}

fn played(seeds: u64, kinds: &[&'static str], draw: impl Fn(u64) -> Script) -> Tally {
    let mut tally = Tally::default();
    for seed in 0..seeds {
        let mut script = draw(seed);
        script.steps.truncate(30);
        match play(&script) {
            Ok(report) => {
                let count = |kind| report.faults.get(kind).copied().unwrap_or(0);
                tally.made += count("reset-made");
                tally.undone += count("reset-undone");
                tally.died += count("command-died");
                tally.back += count("change-met-roll-back");
            }
            Err(broken) => panic!("seed {seed}: {broken}\n{script}"),
        }
    }
    println!("{tally:?} in {seeds} runs with {kinds:?}");
    tally
}

const SEEDS: u64 = 60;
/// Small fleets, whose rows are rewritten in a moment.
const LIGHT: u64 = 340;

#[test]
fn fleets_go_on_from_where_they_are_reset_to() {
    let tally = played(SEEDS, KINDS, |seed| Script::with_faults(seed, KINDS));
    assert!(tally.made > SEEDS && tally.undone > 5 && tally.died > 20, "that proves little");
}

/// In the midst of each reset the store loses its last writes, most times with the change in them.
#[test]
fn fleets_go_on_from_resets_that_a_store_lost_in_part() {
    let tally = played(LIGHT, BACK, |seed| {
        let mut script = Script::with_faults(seed, BACK);
        script.workers = script.workers.min(3);
        script.shards = script.shards.min(6);
        script.steps.truncate(12);
        let resets = script.steps.iter().filter(|step| step.action.kind() == "reset");
        let backs = resets.zip(0_u64..).filter_map(|(step, number)| {
            let after = (seed * 7 + number * 13) % 40;
            let at = step.at + Duration::from_millis(after * after * 7);
            let action = Action::drawn("roll-back", seed + number)?;
            Some(Step { at, action })
        });
        let backs: Vec<_> = backs.collect();
        script.steps.extend(backs);
        script.steps.sort_by_key(|step| step.at);
        script
    });
    assert!(tally.made > 150 && tally.undone > 5 && tally.back > 300, "that proves little");
}
