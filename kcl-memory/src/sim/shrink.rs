//! Shortens a script that breaks an invariant.
//!
//! A greedy search: each pass tries one simplification after the other, plays the result, and keeps
//! it if it is still broken. The passes leave out steps, halve times, replace settings by the
//! defaults, and reduce workers, shards and the faults of the network. The search ends when a whole
//! pass changes nothing, or after [`RUNS_MAX`] runs. Since each simplification shifts every later
//! draw of the run, a few other seeds are tried with it.

use std::time::Duration;

use kcl_core::settings::Coordination;

use super::{
    Network, Script, Step,
    search::{Search, drop_parts},
};

/// The limit of runs: a script that is still long then stays long.
const RUNS_MAX: usize = 1_500;
/// Once all steps come before this time, the search no longer halves all times.
const SHORT: Duration = Duration::from_secs(4);
/// Seeds that are tried with each simplification beside the script's own: the same events often
/// break the same invariant under other draws.
const OTHER_SEEDS: [u64; 3] = [1, 2, 3];

/// The shortest script found for which `broken` is true: with fewer steps, workers and shards,
/// fewer faults of the network, default settings, and shorter and rounder times. `broken` has to be
/// true for `script` itself.
#[must_use]
pub fn shrink(script: &Script, broken: impl FnMut(&Script) -> bool) -> Script {
    let mut search = Search::begin(script.clone(), RUNS_MAX, broken);
    loop {
        let before = search.best.clone();
        search.drop_steps();
        search.make_faster();
        search.make_usual();
        search.make_smaller();
        search.make_calmer();
        search.make_shorter();
        if search.best == before || search.is_over() {
            return search.best;
        }
    }
}

impl<F: FnMut(&Script) -> bool> Search<Script, F> {
    /// Tries the script that `change` makes of the best one. False if the change does nothing, or
    /// if the result is not broken under any of the seeds.
    fn try_with(&mut self, change: impl FnOnce(&mut Script)) -> bool {
        let mut next = self.best.clone();
        change(&mut next);
        if next == self.best {
            return false;
        }
        let own = self.best.seed;
        // A long script is first shortened under its own seed only, since each run takes its time.
        let others = if self.best.steps.len() > 12 { 0 } else { OTHER_SEEDS.len() };
        let mut seeds = std::iter::once(own).chain(OTHER_SEEDS.into_iter().take(others));
        seeds.any(|seed| self.take(Script { seed, ..next.clone() }))
    }

    /// Leaves out steps, many at once first.
    fn drop_steps(&mut self) {
        let count = |search: &Self| search.best.steps.len();
        drop_parts(self, count, |search, range| {
            search.try_with(|script| drop(script.steps.drain(range)))
        });
    }

    /// Makes everything happen in half the time.
    fn make_faster(&mut self) {
        let halve = |script: &mut Script| {
            for step in &mut script.steps {
                step.at /= 2;
            }
        };
        while self.try_with(halve) && self.best.steps.iter().any(|step| step.at >= SHORT) {}
    }

    /// Replaces settings and properties of the fleet by their defaults, one at a time.
    fn make_usual(&mut self) {
        let usual = Script::quiet(0, 1, 1);
        self.try_with(|script| script.network = Network::default());
        self.try_with(|script| script.settings = Coordination::default());
        self.try_with(|script| script.next = usual.next.clone());
        self.try_with(|script| script.pushes = usual.pushes);
        self.try_with(|script| script.poll = usual.poll);
        self.try_with(|script| script.drift = usual.drift);
        self.try_with(|script| script.rate = usual.rate);
        self.try_with(|script| script.skew = usual.skew);
        self.try_with(|script| script.checkpoints = usual.checkpoints);
    }

    /// Reduces the numbers of workers and shards: by half as long as that fails, then by one.
    fn make_smaller(&mut self) {
        while self.best.workers > 1
            && (self.try_with(|script| script.workers = script.workers.div_ceil(2))
                || self.try_with(|script| script.workers -= 1))
        {}
        while self.best.shards > 1
            && (self.try_with(|script| script.shards = script.shards.div_ceil(2))
                || self.try_with(|script| script.shards -= 1))
        {}
    }

    /// Removes the faults of the network, one kind at a time.
    fn make_calmer(&mut self) {
        let usual = Network::default();
        self.try_with(|script| script.network.lost_request = 0);
        self.try_with(|script| script.network.lost_reply = 0);
        self.try_with(|script| script.network.late = 0);
        self.try_with(|script| script.network.repeated = 0);
        self.try_with(|script| script.network.listing = Duration::ZERO);
        self.try_with(|script| script.network.stale = 0);
        self.try_with(|script| script.network.spread = usual.spread);
    }

    /// Makes the times of steps shorter and rounder, their numbers smaller, and the end earlier.
    fn make_shorter(&mut self) {
        for at in 0..self.best.steps.len() {
            self.try_with(|script| change(script, at, |step| step.action = step.action.half()));
            self.try_with(|script| change(script, at, |step| step.action = step.action.round()));
            self.try_with(|script| close_gap(script, at));
            self.try_with(|script| change(script, at, |step| step.at = rounded(step.at)));
        }
        while self.best.settle > Duration::from_secs(1)
            && self.try_with(|script| script.settle /= 2)
        {}
        self.try_with(|script| script.settle = rounded(script.settle));
    }
}

fn change(script: &mut Script, at: usize, change: impl FnOnce(&mut Step)) {
    if let Some(step) = script.steps.get_mut(at) {
        change(step);
        script.steps.sort_by_key(|step| step.at);
    }
}

/// Halves the time between a step and the one before it; all later steps move with it.
fn close_gap(script: &mut Script, at: usize) {
    let before = at.checked_sub(1).and_then(|before| script.steps.get(before));
    let before = before.map_or(Duration::ZERO, |step| step.at);
    let gap = script.steps.get(at).map_or(Duration::ZERO, |step| step.at.saturating_sub(before));
    for step in script.steps.iter_mut().skip(at) {
        step.at = step.at.saturating_sub(gap / 2);
    }
}

/// The time in whole tenths of a second, or, below one second, in hundredths; rounded down.
fn rounded(time: Duration) -> Duration {
    let coarse = if time >= Duration::from_secs(1) { 100 } else { 10 };
    let millis = time.as_millis() / coarse * coarse;
    Duration::from_millis(u64::try_from(millis).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::Action;

    #[test]
    fn what_does_not_matter_is_left_out_and_what_matters_stays() {
        let crash_after_split = |script: &Script| {
            let at = |kind: &str| script.steps.iter().position(|s| s.action.kind() == kind);
            script.shards > 2 && at("split").zip(at("crash")).is_some_and(|(a, b)| a < b)
        };
        let script = (0..)
            .map(Script::from_seed)
            .find(|script| script.shards > 6 && crash_after_split(script))
            .expect("a seed with both");
        let shortest = shrink(&script, crash_after_split);
        assert_eq!((shortest.workers, shortest.shards), (1, 3));
        assert_eq!(shortest.network, Network::default());
        let kinds: Vec<_> = shortest.steps.iter().map(|step| step.action).collect();
        assert_eq!(kinds, [Action::Split(0), Action::Crash(0)]);
        assert!(shortest.steps[1].at < Duration::from_secs(1), "{:?}", shortest.steps);
    }
}
