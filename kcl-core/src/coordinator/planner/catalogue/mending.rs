//! Mending the lineage: rows that shards lack are put, and what nobody needs any more is found.

use std::collections::BTreeSet;

use super::{
    Catalogue,
    phase::{Absence, Phase},
    request,
    stream::Listing,
};
use crate::{
    coordinator::{context::Context, document::FrozenStart, op, planner::signal::Signal},
    env::WallTime,
    lease::{Delete, Lease, LeaseKey, Write},
    lineage::{self, Changes, Lineage},
    stream::StreamName,
};

impl Catalogue {
    /// Compares the rows with listings of the shards that are newer than them. Whether the reading
    /// is complete with that.
    pub(super) fn mend(&mut self, ctx: &mut Context) -> bool {
        let mut waiting = Vec::new();
        let names: Vec<StreamName> = self.streams.keys().cloned().collect();
        for name in &names {
            if let Some(changes) = self.changes_of(name, ctx) {
                waiting.extend(self.take_changes(name, changes, ctx));
            }
        }
        for plan in self.streams.values_mut() {
            plan.listing = match plan.listing {
                Listing::Failed => Listing::Wanted,
                _ => Listing::NotWanted,
            };
        }
        let (missing, absence) = (BTreeSet::new(), Absence::found(ctx.now));
        self.phase = Phase::Mending { waiting, missing, absence };
        self.put_rows(ctx)
    }

    /// What the lineage of a stream asks for, if its shards were listed after the rows were read.
    /// Where it is not known where reading began, only what follows from rows gets a row.
    fn changes_of(&self, name: &StreamName, ctx: &Context) -> Option<Changes> {
        let plan = self.streams.get(name).filter(|plan| plan.listing == Listing::Fresh)?;
        let view = plan.view()?;
        let lacks_start = plan.lacks_start();
        let any = || lacks_start.then_some(FrozenStart { at: None, by: None });
        let known = plan.known_start(ctx).or_else(any)?;
        let now = view.description.server_time;
        let start = FrozenStart { at: known.at.map(|at| frozen(at, now)), ..known };
        let lineage = Lineage::new(&view.description.key, &view.shards, self.rows_of(plan));
        let mut changes = lineage::reconcile(&lineage, start.into());
        changes.orphaned.retain(|key| !self.is_unreadable(key));
        changes.stale.retain(|delete| !self.is_unreadable(&delete.key));
        if lacks_start {
            changes.create.retain(|row| {
                let mut parents = row.parents.iter().filter_map(|id| row.key.sibling(id));
                parents.any(|parent| self.rows.contains_key(&parent))
            });
        }
        Some(changes)
    }

    /// Takes up what the lineage of a stream asks for. Answers which rows are to be put.
    fn take_changes(
        &mut self,
        name: &StreamName,
        changes: Changes,
        ctx: &mut Context,
    ) -> Vec<Lease> {
        let retirable = self.retirable(&changes.stale);
        let Some(plan) = self.streams.get_mut(name) else { return Vec::new() };
        if changes.is_of_former_life() {
            plan.forget_view(ctx);
        }
        plan.note_problems(&changes, ctx);
        plan.orphaned = changes.orphaned;
        plan.deletable = changes.delete;
        plan.deletable.extend(retirable);
        changes.create
    }

    /// Of the rows of a former life of the stream, those that no live session holds. The others
    /// are given up first.
    fn retirable(&self, stale: &[Delete]) -> Vec<Delete> {
        let held =
            |delete: &&Delete| self.rows.get(&delete.key).is_some_and(|row| self.is_held(row));
        stale.iter().filter(|delete| !held(delete)).cloned().collect()
    }

    /// Puts the rows no other row waits for: descendants before their ancestors, so that a planner
    /// that stops half way leaves no ancestor with a row whose descendants lack theirs. Their
    /// owners know more of rows that the store has lost than the frozen start. Whether no row is
    /// missing any more.
    pub(super) fn put_rows(&mut self, ctx: &mut Context) -> bool {
        let Phase::Mending { waiting, missing, absence } = &mut self.phase else { return false };
        if !waiting.is_empty() && !absence.is_sure(ctx) {
            if absence.take_doubt(ctx) {
                ctx.signal(Signal::Unsure);
            }
            return false;
        }
        let parents: BTreeSet<LeaseKey> = waiting
            .iter()
            .flat_map(|row| row.parents.iter().filter_map(|id| row.key.sibling(id)))
            .collect();
        let (later, now): (Vec<Lease>, Vec<Lease>) =
            std::mem::take(waiting).into_iter().partition(|row| parents.contains(&row.key));
        *waiting = later;
        missing.extend(now.iter().map(|row| row.key.clone()));
        if now.is_empty() {
            self.phase = Phase::Idle;
            return true;
        }
        for row in now {
            let request = request::Create(self.round, row.key.clone());
            ctx.ask(op::Create(row), request);
        }
        false
    }

    pub(super) fn on_created(&mut self, key: &LeaseKey, write: Write<Lease>) {
        if let Some(row) = write.into_row() {
            self.rows.insert(key.clone(), row);
        }
        if let Phase::Mending { missing, .. } = &mut self.phase {
            missing.remove(key);
        }
    }
}

/// The time at which reading of a stream began: as it was frozen, whatever time it is now.
fn frozen(at: WallTime, now: WallTime) -> WallTime {
    if planted!(FrozenStartMovesOn) { now } else { at }
}
