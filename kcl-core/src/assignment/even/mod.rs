//! Sharing out by number: no two workers differ by more than one lease, with the fewest possible
//! moves.
//!
//! 1. [`quota`] computes the targets: how many leases each worker should have;
//! 2. [`keep`] decides which leases stay at their holders;
//! 3. [`fill`] gives the other leases to workers.
//!
//! A worker gives away only the leases above its target, and `quota` chooses the targets so that
//! these are as few as possible.

mod fill;
mod quota;
mod share;

use self::share::Share;
use super::{draft::Draft, order, unplaced::Unplaced};

/// Shares out the free leases by number.
pub(super) fn balance(draft: &mut Draft<'_>, mut free: Vec<Unplaced>) {
    let shares = share::tally(draft, &mut free);
    let targets = quota::targets(&shares, &free);
    let movers = keep(draft, &free, &shares, &targets);
    fill::fill(draft, &free, &movers, &targets);
}

/// Seats the leases that stay; returns the others, in the order of keys.
fn keep(
    draft: &mut Draft<'_>,
    free: &[Unplaced],
    shares: &[Share],
    targets: &[usize],
) -> Vec<Unplaced> {
    let has_room_for_all = |worker: usize| shares[worker].held() <= targets[worker];
    let mut open = Vec::new();
    for one in free {
        match one.home() {
            Some(home) if has_room_for_all(home) => draft.seat(one.lease(), home),
            _ => open.push(*one),
        }
    }
    order::by_key(draft.view, &mut open, Unplaced::lease);
    let mut pickers = vec![SpreadPicker::default(); shares.len()];
    open.iter().filter_map(Unplaced::home).for_each(|home| pickers[home].of += 1);
    for (worker, picker) in pickers.iter_mut().enumerate() {
        picker.goes = picker.of.saturating_sub(targets[worker] - draft.load[worker]);
        picker.phase = picker.of * draft.rank[worker] / shares.len();
    }
    open.retain(|one| {
        let Some(home) = one.home() else { return true };
        let goes = pickers[home].next_goes();
        if !goes {
            sometimes!(StayedAtHome);
            draft.seat(one.lease(), home);
        }
        goes
    });
    open
}

/// Chooses which of a worker's leases go: evenly spread over the order of keys, and other places
/// for each worker. So every stream gives up its part, and no stream ends up at one worker.
#[derive(Clone, Default)]
struct SpreadPicker {
    /// How many leases there are to choose from.
    of: usize,
    /// How many of them go.
    goes: usize,
    /// Where the choice begins: another place for each worker.
    phase: usize,
    /// How many leases were seen so far.
    seen: usize,
}

impl SpreadPicker {
    /// Whether the next lease goes. The leases that go are as evenly spread as the pixels of a
    /// line.
    fn next_goes(&mut self) -> bool {
        let gone = (self.seen * self.goes + self.phase) / self.of;
        self.seen += 1;
        (self.seen * self.goes + self.phase) / self.of > gone
    }
}
