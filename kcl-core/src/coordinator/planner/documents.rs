//! Builds the document of each worker from the plan and the moves.
//!
//! A lease with a seat is in `holds` of its worker. A lease without a seat is in `gives` of its
//! owner. A lease that moves between live workers is in `holds` of both; once the new owner has
//! confirmed its document, the lease is in `gives` of the old one.

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use super::{
    catalogue::Catalogue,
    children::Children,
    moves::{Moves, Stage},
    plan::Plan,
    term::Term,
};
use crate::{
    assignment::placement::Taking,
    coordinator::{
        context::Context,
        document::{Assignment, Hold, Origin, Revoke, StreamStart, Transfer},
    },
    lease::{Lease, LeaseKey, PlanVersion, SessionId},
};

/// The sources of the documents.
pub(super) struct Documents<'a> {
    pub(super) term: &'a Term,
    pub(super) catalogue: &'a Catalogue,
    pub(super) plan: &'a Plan,
    pub(super) moves: &'a Moves,
    pub(super) children: &'a Children,
}

/// The lists of one document.
#[derive(Default)]
struct Part {
    /// The leases to take or keep.
    holds: Vec<Hold>,
    /// The leases to give away.
    gives: Vec<Revoke>,
}

impl Documents<'_> {
    /// The documents of all workers, without versions. A leaving worker that holds leases gets one,
    /// too: it says to which workers the leases go.
    pub(super) fn all(&self, ctx: &Context) -> Vec<Assignment> {
        let fleet = &self.catalogue.fleet;
        let members: Vec<&SessionId> = fleet.members().map(|row| &row.id).collect();
        let staying: BTreeSet<&SessionId> = members.iter().copied().collect();
        let live = fleet.rows().filter(|row| !row.has_ended()).map(|row| &row.id);
        let leaving: BTreeSet<&SessionId> = live.filter(|id| !staying.contains(id)).collect();
        let mut to_leave = BTreeSet::new();
        if !leaving.is_empty() {
            let owners = self.catalogue.rows.values().filter_map(|row| row.owner.as_ref());
            to_leave.extend(owners.filter(|id| leaving.contains(id)));
        }
        let rank = fleet.ranks(&self.term.planner);
        let starts: Vec<StreamStart> =
            self.catalogue.streams.values().filter_map(|plan| plan.told_start(ctx)).collect();
        let mut parts = self.parts();
        let mut document = |session: &SessionId| {
            let Part { mut holds, mut gives } = parts.remove(session).unwrap_or_default();
            holds.sort_by(|a, b| a.key.cmp(&b.key));
            gives.sort_by(|a, b| a.key.cmp(&b.key));
            let drained = self.catalogue.rules.marks().drains(&session.worker);
            if drained {
                holds.iter_mut().for_each(|hold| hold.children = Taking::None);
            }
            let patience = u64::try_from(ctx.settings.handoff_timeout.as_millis()).ok();
            let give_within = patience.filter(|_| is_patience_told(&gives));
            Assignment {
                version: PlanVersion::NONE,
                session: session.clone(),
                planner: self.term.planner.clone(),
                standby: fleet.standbys().first.clone(),
                second: fleet.standbys().second.clone(),
                rank: rank(session),
                takes_children: self.children.are_all_free() && !drained,
                starts: starts.clone(),
                holds,
                gives,
                give_within,
            }
        };
        to_leave.into_iter().chain(members).map(&mut document).collect()
    }

    /// The lists of each session.
    fn parts(&self) -> BTreeMap<&SessionId, Part> {
        let mut parts: BTreeMap<&SessionId, Part> = BTreeMap::new();
        // Plan and rows are both in the order of keys.
        let mut rows = self.catalogue.rows.iter().peekable();
        for (key, session) in self.plan.iter() {
            while let Some((_, row)) = rows.next_if(|(of, _)| *of < key) {
                give_away(row, &mut parts);
            }
            let row = rows.next_if(|(of, _)| *of == key).map(|(_, row)| row);
            let from = row.and_then(|row| self.origin(row, session));
            parts.entry(session).or_default().holds.push(self.hold(key, from));
        }
        rows.for_each(|(_, row)| give_away(row, &mut parts));
        for (key, moving) in self.moves.iter() {
            let part = parts.entry(&moving.from).or_default();
            if moving.stage == Stage::Announced {
                part.holds.push(self.hold(key, None));
            } else {
                let to = Some(moving.to.clone());
                part.gives.push(Revoke { key: key.clone(), epoch: moving.epoch, to });
            }
        }
        parts
    }

    fn hold(&self, key: &LeaseKey, from: Option<Origin>) -> Hold {
        Hold { key: key.clone(), from, children: self.children.of(key) }
    }

    /// The row of a lease as it was read, if the session that should take it does not hold it.
    fn origin(&self, row: &Lease, session: &SessionId) -> Option<Origin> {
        if row.owner.as_ref() == Some(session) {
            return None;
        }
        let how = match self.moves.stage_of(&row.key) {
            // The plan is older than the row: a live session holds it now, and no move was planned.
            None if self.catalogue.is_held(row) => Transfer::AwaitRelease,
            None => Transfer::Unowned,
            Some(Stage::Forced) => Transfer::Force,
            Some(_) => Transfer::AwaitRelease,
        };
        Some(Origin { owner: row.owner.clone(), epoch: row.epoch, how })
    }
}

/// Makes the owner of a lease without a seat give it away.
fn give_away<'a>(row: &'a Lease, parts: &mut BTreeMap<&'a SessionId, Part>) {
    if let Some(owner) = &row.owner
        && !row.has_ended()
        && !row.key.is_role()
    {
        let gives = &mut parts.entry(owner).or_default().gives;
        gives.push(Revoke { key: row.key.clone(), epoch: row.epoch, to: None });
    }
}

/// Whether a document says how long the planner waits: only if it takes something away.
fn is_patience_told(gives: &[Revoke]) -> bool {
    !gives.is_empty() && !planted!(PatienceNotTold)
}
