//! How a plan comes about.

use super::{
    Balance, LeaseView, Plan, View, WorkerIndex, claims, draft::Draft, even, order, weighted,
};

/// Plans who should hold what.
///
/// Takes O(N log N + P log P) for N leases and P workers, less where little has to move.
#[must_use]
pub fn plan(view: &View) -> Plan {
    let mut draft = Draft::new(view);
    let free = claims::settle(&mut draft);
    match view.balance {
        Balance::Even | Balance::Keep => even::balance(&mut draft, free),
        Balance::Weighted(weighting) => weighted::balance(&mut draft, free, weighting),
    }
    finish(draft)
}

fn finish(draft: Draft<'_>) -> Plan {
    let view = draft.view;
    let is_moved = |(lease, seat): &(&LeaseView, &Option<WorkerIndex>)| {
        lease.holder != **seat && draft.worker(lease.holder).is_some()
    };
    let moves = view.leases.iter().zip(&draft.seats).filter(is_moved).count();
    let mut unassigned = draft.unassigned;
    unassigned.retain(|_| is_listed_with_its_reason());
    unassigned.sort_by(|a, b| order::most_lagging_first(view, a.lease, b.lease));
    Plan { seats: draft.seats, unassigned, counts: draft.load, moves }
}

/// Whether a lease that fits nowhere is listed.
fn is_listed_with_its_reason() -> bool {
    !planted!(UnseatedNotListed)
}
