//! Marks: branches that the healthy code reaches in the fixed seeds and the directed tests.

use kcl_core::planted::Mark;
use kcl_memory::sim::{Script, play};

use crate::{checks, kill::panics};

/// Seeds that the healthy code is played on. Some branches are rare.
const SEEDS: u64 = 200;

/// After every seed and every directed test has been played in this thread: the first mark that
/// was never reached.
pub(crate) fn never_reached() -> Option<Mark> {
    let counts = Mark::take_counts();
    counts.into_iter().find(|(_, count)| *count == 0).map(|(mark, _)| mark)
}

/// How often the healthy code reaches each mark in the fixed seeds, and in the directed tests.
pub(crate) fn census() -> Vec<(Mark, u64, u64)> {
    Mark::take_counts();
    for seed in 0..SEEDS {
        let played = play(&Script::from_seed(seed));
        assert!(played.is_ok(), "seed {seed}: {played:?}");
    }
    let by_seeds = Mark::take_counts();
    for check in checks::ALL {
        // What fails here fails in a test of its own.
        panics(check.play);
    }
    let by_checks = Mark::take_counts();
    let both = by_seeds.into_iter().zip(by_checks);
    both.map(|((mark, seeds), (_, checks))| (mark, seeds, checks)).collect()
}
