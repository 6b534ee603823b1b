//! Mending the lineage: putting the rows that shards lack, and finding rows that are useless.

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
    /// Compares the rows of each stream with a listing of its shards that is newer. Whether the
    /// reading is complete now.
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

    /// The changes that the lineage of a stream needs, if its shards were listed after the rows
    /// were read. Where the start is not known, only descendants of shards with a row get one.
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

    /// Takes over the changes for a stream. Returns the rows to put.
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

    /// The rows of a former life of the stream that no live session holds. The others are given
    /// away first.
    fn retirable(&self, stale: &[Delete]) -> Vec<Delete> {
        let held =
            |delete: &&Delete| self.rows.get(&delete.key).is_some_and(|row| self.is_held(row));
        stale.iter().filter(|delete| !held(delete)).cloned().collect()
    }

    /// Puts the next rows: descendants before their ancestors, so that a planner that stops half
    /// way leaves no ancestor with a row whose descendants have none. First a beat has to show that
    /// the store has not gone back: the owners of lost rows know their checkpoints, and put them
    /// themselves. Whether no row is missing any more.
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

    /// The row of a shard was put, or exists already: takes the stored one over.
    pub(super) fn on_created(&mut self, key: &LeaseKey, write: Write<Lease>) {
        if let Some(row) = write.into_row() {
            self.rows.insert(key.clone(), row);
        }
        if let Phase::Mending { missing, .. } = &mut self.phase {
            missing.remove(key);
        }
    }
}

/// The frozen start as it was frozen, whatever time it is now.
fn frozen(at: WallTime, now: WallTime) -> WallTime {
    if planted!(FrozenStartMovesOn) { now } else { at }
}
