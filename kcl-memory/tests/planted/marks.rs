//! Marks: branches that the healthy code reaches in the fixed seeds and the directed tests.

use kcl_core::planted::Mark;
use kcl_memory::sim::{Script, play};

use super::{checks, kill::panics};

/// Seeds that the healthy code is played on. Some branches are rare.
const SEEDS: u64 = 200;

/// After every seed and every directed test has been played in this thread: the first mark that
/// was never reached, of those that count.
pub(crate) fn never_reached(counts: impl Fn(Mark) -> bool) -> Option<Mark> {
    let reached = Mark::take_counts();
    reached.into_iter().find(|(mark, count)| *count == 0 && counts(*mark)).map(|(mark, _)| mark)
}

/// What searches for so long that once is enough: as a test of its own. What it reaches, others
/// reach, too.
const LONG: [&str; 3] = [
    "two_commands_at_once",
    "a_change_that_crashes_twice_among_late_writes_of_the_dead",
    "a_change_that_meets_what_is_left_of_a_lost_one",
];

/// How often the healthy code reaches each mark in the fixed seeds, and in the directed tests; each
/// of them it passes.
pub(crate) fn census() -> Vec<(Mark, u64, u64)> {
    Mark::take_counts();
    for seed in 0..SEEDS {
        let played = play(&Script::from_seed(seed));
        assert!(played.is_ok(), "seed {seed}: {played:?}");
    }
    let by_seeds = Mark::take_counts();
    for check in checks::ALL.iter().filter(|check| !LONG.contains(&check.name)) {
        assert!(!panics(check.play), "nothing is planted, and yet {} notices it", check.name);
    }
    let by_checks = Mark::take_counts();
    let both = by_seeds.into_iter().zip(by_checks);
    both.map(|((mark, seeds), (_, checks))| (mark, seeds, checks)).collect()
}
