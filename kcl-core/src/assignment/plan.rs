//! How a plan comes about.

use super::{
    Balance, LeaseView, Plan, Reason, View, WorkerIndex, claims, draft::Draft, even, order,
    weighted,
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
    let_go(&mut draft);
    finish(draft)
}

/// What is to be let go of and still has the same seat, since nobody else can take it, is held by
/// nobody for now.
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

/// Whether what is to be let go of is given up although nobody else can take it.
fn needs_no_taker() -> bool {
    !planted!(LetGoNeedsATaker)
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
