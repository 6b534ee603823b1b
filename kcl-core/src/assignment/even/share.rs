//! Counts the leases that each worker holds and may hold.

use crate::assignment::{draft::Draft, unplaced::Unplaced};

/// The numbers of leases that one worker holds and may hold.
#[derive(Clone, Debug)]
pub(super) struct Share {
    /// The worker's place in the order of ids.
    pub(super) rank: usize,
    /// The leases that a rule or a mark has seated at it.
    pub(super) pinned: usize,
    /// The free leases that it holds and may keep.
    pub(super) holds: usize,
    /// The free leases that must avoid it.
    pub(super) avoided_by: usize,
    /// The orphans whose parent it holds.
    pub(super) children: usize,
    /// The most leases that it can have.
    pub(super) most: usize,
}

impl Share {
    /// The leases that it has and may keep.
    pub(super) const fn held(&self) -> usize {
        self.pinned + self.holds
    }

    /// How many leases it has when all workers are filled to `level`.
    pub(super) fn at(&self, level: usize) -> usize {
        level.clamp(self.pinned, self.most)
    }
}

/// Counts the leases that each worker holds and may hold.
pub(super) fn tally(draft: &Draft<'_>, free: &mut [Unplaced]) -> Vec<Share> {
    let mut shares: Vec<Share> = (0..draft.load.len()).map(|at| empty(draft, at)).collect();
    for one in free.iter() {
        if let Some(avoid) = one.avoid() {
            shares[avoid].avoided_by += 1;
        }
    }
    forgive(draft, free, &mut shares);
    for one in free.iter() {
        if let Some(home) = one.home() {
            shares[home].holds += 1;
        } else if let Some(parent) = one.parent_holder() {
            shares[parent].children += 1;
        }
    }
    for share in &mut shares {
        share.most = share.most.min(share.pinned + free.len() - share.avoided_by);
    }
    shares
}

/// The share of a worker before free leases are counted: only leases that rules or marks have
/// seated at it.
fn empty(draft: &Draft<'_>, worker: usize) -> Share {
    Share {
        rank: draft.rank[worker],
        pinned: draft.load[worker],
        holds: 0,
        avoided_by: 0,
        children: 0,
        most: draft.load[worker] + draft.room(worker),
    }
}

/// If too many leases must avoid a worker, the seats of all other workers together are too few for
/// them. Then the worker keeps as many of these leases as have no seat elsewhere, and only leases
/// that it holds. There can be only one such worker: if there were two, the leases that avoid one
/// would have seats at the other.
fn forgive(draft: &Draft<'_>, free: &mut [Unplaced], shares: &mut [Share]) {
    let room = |share: &Share| share.most - share.pinned;
    let total = free.len();
    let takes = |share: &Share| room(share).min(total - share.avoided_by);
    let forgiven = total.saturating_sub(shares.iter().map(takes).sum());
    let worker = shares.iter().position(|share| takes(share) < room(share));
    let Some(worker) = worker.filter(|_| forgiven > 0) else { return };
    shares[worker].avoided_by -= forgiven;
    let leases = &draft.view.leases;
    let is_held = |one: &&mut Unplaced| draft.worker(leases[one.lease()].holder) == Some(worker);
    let avoiding = free.iter_mut().filter(|one| one.avoid() == Some(worker));
    let mut held: Vec<&mut Unplaced> = avoiding.filter(is_held).collect();
    held.sort_by_key(|one| &leases[one.lease()].key);
    for one in held.into_iter().take(forgiven) {
        one.stay_at(worker);
    }
}
