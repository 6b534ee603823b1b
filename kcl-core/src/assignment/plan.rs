//! The steps of a plan, in their order.

use super::{
    Balance, LeaseView, Plan, Reason, View, WorkerIndex, claims, draft::Draft, even, order,
    weighted,
};

/// Plans which worker should hold which lease.
///
/// It takes O(N log N + P log P) for N leases and P workers, and less where few leases move.
#[must_use]
pub fn plan(view: &View) -> Plan {
    let mut draft = Draft::new(view);
    let free = claims::settle(&mut draft);
    match view.balance {
        Balance::Even | Balance::Keep => even::balance(&mut draft, free),
        Balance::Weighted(weighting) => weighted::balance(&mut draft, free, weighting),
    }
    let_go(&mut draft);
    finish(draft)
}

/// Takes the seat of each lease that its holder should release and that no other worker can take:
/// no worker holds it until it was released.
fn let_go(draft: &mut Draft<'_>) {
    let view = draft.view;
    if view.frozen || !needs_no_taker() {
        return;
    }
    for (lease, seen) in view.leases.iter().enumerate().filter(|(_, seen)| seen.let_go) {
        if seen.holder.is_some() && draft.seats[lease] == seen.holder {
            draft.unseat(lease, Reason::LetGo);
        }
    }
}

/// Whether a holder releases such a lease even if no other worker can take it.
fn needs_no_taker() -> bool {
    !planted!(LetGoNeedsATaker)
}

/// The plan of a complete draft: counts the moves, and sorts the leases without a seat.
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

/// Whether a lease without a seat is listed.
fn is_listed_with_its_reason() -> bool {
    !planted!(UnseatedNotListed)
}
