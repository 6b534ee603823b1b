//! Sharing out by load.
//!
//! First every held lease stays at its holder, and orphans go to the least loaded workers
//! ([`place`]). Then, where it is worth a move, workers above the level give leases away
//! ([`relief`]), and workers below it get some ([`draw`]). [`Weighting`] defines level and
//! tolerance.

mod draw;
mod loads;
mod place;
mod relief;
mod tournament;

use self::loads::{Loads, Weighed, Weights};
use super::{Weighting, draft::Draft, unplaced::Unplaced};

/// Shares out the free leases by load.
pub(super) fn balance(draft: &mut Draft<'_>, free: Vec<Unplaced>, weighting: Weighting) {
    let weights = Weights::of(draft.view);
    let mut loads = Loads::of(draft, &weights);
    let free: Vec<Weighed> = free.into_iter().map(|free| weights.weigh(draft.view, free)).collect();
    // Here `loads` holds the pinned leases only; `level` adds the free ones by itself.
    let threshold = relief::Threshold::new(level(&loads, &free), weighting);
    let orphans = place::keep(draft, &mut loads, &free);
    place::place(draft, &mut loads, orphans, weighting.floor);
    relief::relieve(draft, &mut loads, &free, threshold);
    draw::draw(draft, &mut loads, &free, threshold);
}

/// The level: the load of each worker in a perfect split. A block is load that cannot be split: the
/// leases that rules pin to one worker, or one very heavy lease. A block above the level takes its
/// worker out of the reckoning: the other workers share the rest.
fn level(pinned: &Loads, free: &[Weighed]) -> u64 {
    let weights = || free.iter().map(|one| one.weight);
    let mut rest = pinned.all().iter().sum::<u64>() + weights().sum::<u64>();
    let mut workers = pinned.all().len() as u64;
    let share = rest.checked_div(workers).unwrap_or(0);
    // Only a lease heavier than the average share can be a block.
    let heavy = weights().filter(|weight| *weight > share);
    let mut blocks: Vec<u64> = pinned.all().iter().copied().chain(heavy).collect();
    blocks.sort_unstable_by(|a, b| b.cmp(a));
    for block in blocks {
        if workers <= 1 || block <= rest / workers {
            break;
        }
        rest -= block;
        workers -= 1;
    }
    rest.checked_div(workers).unwrap_or(0)
}
