//! What a plan came to: what nobody may hold, and what goes to others than those who have it.

use std::collections::BTreeMap;

use super::catalogue::Catalogue;
use crate::{
    assignment::{LeaseView, View, WorkerIndex},
    lease::{Lease, LeaseKey, Session, SessionId, SessionState, WorkerId, report::Why},
};

/// What a plan came to.
#[derive(Debug, Default)]
pub(super) struct Made {
    /// Leases that nobody may take, and why.
    pub(super) unassigned: Vec<(LeaseKey, String)>,
    /// Leases that go to others.
    pub(super) given: Vec<Given>,
    /// How many workers are counted on, and how many leases may be read.
    pub(super) workers: usize,
    pub(super) runnable: usize,
}

/// A lease that a plan gives to another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Given {
    pub(super) lease: LeaseKey,
    pub(super) from: Option<WorkerId>,
    pub(super) to: WorkerId,
    pub(super) why: Why,
}

/// What this plan gives to others, that the one before did not.
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
        // A worker that came back under its id keeps what it had.
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

fn why(row: &Lease, to: &WorkerId, lease: &LeaseView, view: &View, catalogue: &Catalogue) -> Why {
    let Some(owner) = &row.owner else { return Why::Free };
    let session = catalogue.fleet.rows().find(|session| session.id == *owner);
    let Some(session) = session.filter(|session| !session.has_ended()) else { return Why::Gone };
    if session.state == SessionState::Leaving {
        return Why::Leaves;
    }
    let rule = lease.rule.and_then(|rule| view.rules.rules().get(usize::try_from(rule).ok()?));
    if rule.is_some_and(|rule| rule.worker == *to) {
        return Why::Rule;
    }
    if row.avoid.as_ref() == Some(&owner.worker) { Why::Stalled } else { Why::Balance }
}
