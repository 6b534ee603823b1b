//! Sharing out by count: no two workers differ by more than one lease, and the fewest move.
//!
//! The targets come first ([`quota`]), then who stays ([`keep`]), then who goes where ([`fill`]).
//! The moves are those that the targets force: each worker gives up what it holds above its target,
//! and the targets are chosen so that this is as little as possible.

mod fill;
mod quota;
mod share;

use self::share::Share;
use super::{draft::Draft, order, unplaced::Unplaced};

pub(super) fn balance(draft: &mut Draft<'_>, mut free: Vec<Unplaced>) {
    let shares = share::tally(draft, &mut free);
    let targets = quota::targets(&shares, &free);
    let movers = keep(draft, &free, &shares, &targets);
    fill::fill(draft, &free, &movers, &targets);
}

/// Seats who stays; returns who does not, in the order of keys.
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

/// Which of a worker's leases go: evenly spread over the order of keys, and with each worker others
/// than with the next, so that every stream gives up its part and none ends up with one worker.
#[derive(Clone, Default)]
struct SpreadPicker {
    of: usize,
    goes: usize,
    phase: usize,
    seen: usize,
}

impl SpreadPicker {
    fn next_goes(&mut self) -> bool {
        let gone = (self.seen * self.goes + self.phase) / self.of;
        self.seen += 1;
        (self.seen * self.goes + self.phase) / self.of > gone
    }
}
