//! The outcome of a plan: leases that no worker may hold, and leases that change hands.

use std::collections::BTreeMap;

use super::catalogue::Catalogue;
use crate::{
    assignment::{LeaseView, View, WorkerIndex},
    lease::{Lease, LeaseKey, Session, SessionId, SessionState, WorkerId, report::Why},
};

/// The outcome of a plan.
#[derive(Debug, Default)]
pub(super) struct Made {
    /// The leases that no worker may take, with the reason.
    pub(super) unassigned: Vec<(LeaseKey, String)>,
    /// The leases that the plan gives to another worker.
    pub(super) given: Vec<Given>,
    /// How many workers the plan counts on.
    pub(super) workers: usize,
    /// How many leases may be read now.
    pub(super) runnable: usize,
}

/// A lease that a plan gives to another worker, for the list of moves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Given {
    /// The lease.
    pub(super) lease: LeaseKey,
    /// Its owner; `None` if it has none.
    pub(super) from: Option<WorkerId>,
    /// The worker that gets it.
    pub(super) to: WorkerId,
    /// The reason of the move.
    pub(super) why: Why,
}

/// The leases that this plan gives to another worker, and the plan before did not.
pub(super) fn given(
    view: &View,
    seats: &[Option<WorkerIndex>],
    members: &[&Session],
    before: &BTreeMap<LeaseKey, SessionId>,
    catalogue: &Catalogue,
) -> Vec<Given> {
    let seated = view.leases.iter().zip(seats).filter(|(lease, seat)| lease.holder != **seat);
    let given = seated.filter_map(|(lease, seat)| {
        let to = &members.get(seat.as_ref()?.get())?.id;
        let row = catalogue.rows.get(&lease.key)?;
        let is_new = before.get(&lease.key) != Some(to) && row.owner.as_ref() != Some(to);
        let from = row.owner.as_ref().map(|owner| &owner.worker);
        // A worker with a new session keeps the leases of its former session.
        let moves = is_new && from != Some(&to.worker);
        moves.then(|| Given {
            lease: lease.key.clone(),
            from: from.cloned(),
            to: to.worker.clone(),
            why: why(row, &to.worker, lease, view, catalogue),
        })
    });
    given.collect()
}

/// The reason for a move, for the list of moves. The first that applies is taken.
fn why(row: &Lease, to: &WorkerId, lease: &LeaseView, view: &View, catalogue: &Catalogue) -> Why {
    let Some(owner) = &row.owner else { return Why::Free };
    let session = catalogue.fleet.rows().find(|session| session.id == *owner);
    let Some(session) = session.filter(|session| !session.has_ended()) else { return Why::Gone };
    if session.state == SessionState::Leaving {
        return Why::Leaves;
    }
    let marks = catalogue.rules.marks();
    if marks.drains(&owner.worker) {
        return Why::Drained;
    }
    if lease.sent_to.is_some() || marks.frees(row) {
        return Why::Asked;
    }
    let rule = lease.rule.and_then(|rule| view.rules.rules().get(usize::try_from(rule).ok()?));
    if rule.is_some_and(|rule| rule.worker == *to) {
        return Why::Rule;
    }
    if row.avoid.as_ref() == Some(&owner.worker) { Why::Stalled } else { Why::Balance }
}
