//! Fleets whose operator drains workers, pauses leases, has them let go and sends them elsewhere,
//! while workers come, go and die, shards split and rules change.

#![allow(clippy::panic, clippy::print_stdout, reason = "what goes wrong fails the test")]

use kcl_memory::sim::{Action, Script, play};

/// What happens, the operator's marks as often as all the rest.
const KINDS: &[&str] = &[
    "join",
    "join",
    "leave",
    "crash",
    "crash-planner",
    "cold-start",
    "deploy",
    "isolate",
    "pause",
    "split",
    "merge",
    "trim",
    "require",
    "prefer",
    "clear-rules",
    "garble-rules",
    "lose-replies",
    "late-requests",
    "repeat-requests",
    "roll-back",
    "freeze",
    "thaw",
    "drain",
    "drain",
    "drain",
    "undrain",
    "undrain",
    "pause-lease",
    "pause-lease",
    "pause-lease",
    "resume-leases",
    "resume-leases",
    "let-go",
    "let-go",
    "let-go",
    "send",
    "send",
    "send",
];

const SEEDS: u64 = 80;

fn script(seed: u64) -> Script {
    let mut script = Script::with_faults(seed, KINDS);
    script.steps.truncate(40);
    script
}

#[test]
fn drained_workers_keep_nothing_paused_leases_are_read_by_nobody_and_the_rest_is_read() {
    let mut counts: Vec<(&str, u64)> = Vec::new();
    for seed in 0..SEEDS {
        let script = script(seed);
        match play(&script) {
            Ok(report) => {
                for kind in ["drain", "undrain", "pause-lease", "resume-leases", "let-go", "send"] {
                    let more = report.faults.get(kind).copied().unwrap_or(0);
                    match counts.iter_mut().find(|(of, _)| *of == kind) {
                        Some((_, count)) => *count += more,
                        None => counts.push((kind, more)),
                    }
                }
            }
            Err(broken) => panic!("seed {seed}: {broken}\n{script}"),
        }
    }
    println!("{counts:?} in {SEEDS} runs");
    assert!(counts.iter().all(|(_, count)| *count >= SEEDS / 2), "that proves little: {counts:?}");
}

/// Every kind of mark is drawn by the runs here: none is left to nobody.
#[test]
fn every_mark_is_played() {
    let marks = Action::APART.iter().filter(|kind| **kind != "reset");
    let missing: Vec<_> = marks.filter(|kind| !KINDS.contains(*kind)).collect();
    assert!(missing.is_empty(), "{missing:?}");
}
