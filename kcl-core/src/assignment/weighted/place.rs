//! Keeps leases at their holders, and gives orphans to workers.

use std::cmp::Reverse;

use super::{
    loads::{Loads, Weighed},
    tournament::{Least, MinTournament},
};
use crate::assignment::{draft::Draft, order};

/// Seats every free lease at its holder while that has seats, the heaviest first; returns the
/// others.
pub(super) fn keep(draft: &mut Draft<'_>, loads: &mut Loads, free: &[Weighed]) -> Vec<Weighed> {
    let mut homes = vec![0; draft.load.len()];
    for home in free.iter().filter_map(|one| one.free.home()) {
        homes[home] += 1;
    }
    let is_crowded = |(home, homes): (usize, usize)| homes > draft.room(home);
    let crowded: Vec<bool> = homes.into_iter().enumerate().map(is_crowded).collect();
    let mut contested = Vec::new();
    let mut orphans = Vec::new();
    for one in free {
        match one.free.home() {
            None => orphans.push(*one),
            Some(home) if crowded[home] => contested.push(*one),
            Some(home) => loads.seat(draft, one, home),
        }
    }
    heaviest_first(draft, &mut contested);
    for one in contested {
        match one.free.home().filter(|home| draft.room(*home) > 0) {
            Some(home) => loads.seat(draft, &one, home),
            None => orphans.push(one),
        }
    }
    orphans
}

/// Seats each orphan at the least loaded worker, the heaviest first: the highest load is then at
/// most a third above the best possible one (Graham 1969). An idle orphan goes to the worker with
/// the fewest leases, or all idle ones would go to one worker. Orphans that must avoid a worker
/// choose first.
pub(super) fn place(
    draft: &mut Draft<'_>,
    loads: &mut Loads,
    mut orphans: Vec<Weighed>,
    idle: u64,
) {
    heaviest_first(draft, &mut orphans);
    let (avoiding, others): (Vec<Weighed>, Vec<Weighed>) =
        orphans.into_iter().partition(|one| one.free.avoid().is_some());
    for group in [avoiding, others] {
        let idle_from = group.partition_point(|one| one.weight > idle);
        let (heavy, idle) = group.split_at(idle_from);
        for (orphans, by) in [(heavy, Least::Loaded), (idle, Least::Held)] {
            let mut tournament = MinTournament::new(by, draft, loads);
            for one in orphans {
                let Some(worker) = choose(draft, loads, &mut tournament, one) else { continue };
                loads.seat(draft, one, worker);
                tournament.note(worker, draft, loads);
            }
        }
    }
}

/// The worker with the least; of equal ones the holder of the parent. Where every other worker is
/// at its limit, the worker to avoid is better than none.
fn choose(
    draft: &Draft<'_>,
    loads: &Loads,
    tournament: &mut MinTournament,
    one: &Weighed,
) -> Option<usize> {
    let Some(least) = tournament.least([one.free.avoid(), None], draft, loads) else {
        return one.free.avoid();
    };
    let is_as_good = |parent: &usize| tournament.are_even(*parent, least, draft, loads);
    Some(one.free.parent_holder().filter(is_as_good).unwrap_or(least))
}

/// The leases at each worker that may be moved for their weight: measured, settled, and not placed
/// by a rule. Empty for workers that are not asked for.
pub(super) fn movable(
    draft: &Draft<'_>,
    free: &[Weighed],
    is_asked: impl Fn(usize) -> bool,
) -> Vec<Vec<Weighed>> {
    let mut leases: Vec<Vec<Weighed>> = vec![Vec::new(); draft.load.len()];
    let may_move = |one: &Weighed| {
        let seen = &draft.view.leases[one.free.lease()];
        seen.settled && seen.weight.is_some_and(|weight| weight > 0)
    };
    for one in free {
        let seat = draft.seat_of(one.free.lease()).filter(|seat| is_asked(*seat));
        if let Some(seat) = seat.filter(|_| may_move(one)) {
            leases[seat].push(*one);
        }
    }
    leases
}

/// Sorts leases by weight, the heaviest first, then by key.
pub(super) fn heaviest_first(draft: &Draft<'_>, leases: &mut [Weighed]) {
    let weight = |one: &Weighed| Reverse(one.weight);
    leases.sort_unstable_by_key(weight);
    for equals in leases.chunk_by_mut(|a, b| weight(a) == weight(b)) {
        order::by_key(draft.view, equals, |one| one.free.lease());
    }
}
