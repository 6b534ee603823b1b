//! Sharing out by count: no two workers differ by more than one lease, and the fewest move.
//!
//! The targets come first ([`quota`]), then who stays ([`keep`]), then who goes where ([`fill`]).
//! The moves are those that the targets force: each worker gives up what it holds above its target,
//! and the targets are chosen so that this is as little as possible.

mod fill;
mod quota;
mod share;

use self::share::Share;
use super::{draft::Draft, free::Free, order};

pub(super) fn balance(draft: &mut Draft<'_>, mut free: Vec<Free>) {
    let shares = share::tally(draft, &mut free);
    let targets = quota::targets(&shares, &free);
    let movers = keep(draft, &free, &shares, &targets);
    fill::fill(draft, &free, &movers, &targets);
}

/// Seats who stays; returns who does not, in the order of keys.
fn keep(draft: &mut Draft<'_>, free: &[Free], shares: &[Share], targets: &[usize]) -> Vec<Free> {
    let has_room_for_all = |worker: usize| shares[worker].held() <= targets[worker];
    let mut open = Vec::new();
    for one in free {
        match one.home() {
            Some(home) if has_room_for_all(home) => draft.seat(one.lease(), home),
            _ => open.push(*one),
        }
    }
    order::by_key(draft.view, &mut open, Free::lease);
    // Who must avoid somebody is harder to place, and stays first.
    for shy in [true, false] {
        open.retain(|one| {
            let stays = one.home().filter(|home| draft.load[*home] < targets[*home]);
            let Some(home) = stays.filter(|_| one.avoid().is_some() == shy) else { return true };
            draft.seat(one.lease(), home);
            false
        });
    }
    open
}
