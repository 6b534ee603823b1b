//! What a fleet at rest asks of its store.

use std::collections::BTreeMap;

use kcl_memory::sim::{Action, Script, World, play};

use super::lab::{is_balanced, millis, secs, settled, time_until, wants_figures};

const WORKERS: u64 = 3;
const LEASES: u64 = 12;

/// Calls by name that three workers with twelve leases make in a quiet minute.
fn quiet_minute(seed: u64) -> BTreeMap<&'static str, u64> {
    let calls = |settle| {
        let mut script = Script::quiet(seed, 3, 12);
        script.settle = secs(settle);
        play(&script).unwrap().calls
    };
    let (shorter, mut longer) = (calls(120), calls(180));
    for (name, count) in &mut longer {
        *count -= shorter.get(name).copied().unwrap_or(0);
    }
    longer
}

/// At most so many calls of a kind in a quiet minute. What is not listed is not called at all.
const BOUNDS: [(&str, u64); 10] = [
    // One a worker and heartbeat interval.
    ("beat", WORKERS * 41),
    // Each worker its mailbox twice a second; planner and first standby each other after each beat.
    ("session", WORKERS * 120 + 2 * 2 * 41 + 12),
    // Planner and standbys, every watch interval; with the audit.
    ("sessions", 3 * 31 + 2),
    // Each lease every five seconds.
    ("advance", LEASES * 13),
    // The planner's lease: its standbys look at it every five seconds.
    ("lease", 30),
    // The audit.
    ("leases", 2),
    // The audit; the planner reads each worker's report.
    ("doc", 2 + 2 * WORKERS),
    // One report of each worker, and the planner's; another of each where a minute is cut.
    ("put_doc", WORKERS + 2),
    ("wake", 0),
    ("forget", 0),
];

#[test]
pub(crate) fn a_quiet_minute_costs_what_it_should() {
    for seed in 0..3 {
        let calls = quiet_minute(seed);
        if wants_figures() {
            eprintln!("a quiet minute: {calls:?}");
        }
        for (name, count) in calls.into_iter().filter(|(_, count)| *count > 0) {
            let bound = BOUNDS.iter().find(|(of, _)| *of == name).map_or(0, |(_, bound)| *bound);
            assert!(count <= bound, "{name}: {count} calls in a quiet minute, {bound} at most");
        }
    }
}

/// Three workers that start within a quarter of a second are planned for at once: few documents,
/// each of which says what moves to all of them.
#[test]
pub(crate) fn workers_that_join_together_are_planned_for_together() {
    let puts = |world: &World| world.calls().get("put_doc").copied().unwrap_or(0);
    for seed in 0..5 {
        let mut world = settled(seed, 3, 30);
        let before = puts(&world);
        for _ in 0..3 {
            world.act_now(&Action::Join).unwrap();
            world.run_for(millis(80)).unwrap();
        }
        time_until(&mut world, |world| world.held().len() == 6 && is_balanced(world));
        let written = puts(&world) - before;
        if wants_figures() {
            eprintln!("three workers join: {written} documents");
        }
        assert!(written <= 12, "three workers join: {written} documents");
    }
}
