//! Tidying: rows of sessions that have ended, documents of workers that are gone, leases of shards
//! that are no more.

use std::collections::BTreeMap;

use super::{Ask, Planner};
use crate::{
    coordinator::{
        call::{StoreCall, StoreOutcome, StoreReply},
        context::{Context, Purpose},
    },
    env::Time,
    lease::{Delete, DeleteDoc, DocName, Document, Forget, SessionId, WorkerId},
};

/// What is to be tidied, and when.
#[derive(Debug)]
pub(super) struct Upkeep {
    /// Ended sessions that no lease named, since when.
    unused: BTreeMap<SessionId, Time>,
    /// When each may be forgotten.
    forget_at: Time,
}

impl Default for Upkeep {
    fn default() -> Self {
        Self { unused: BTreeMap::new(), forget_at: Time::NEVER }
    }
}

impl Upkeep {
    pub(super) const fn next_wake(&self) -> Time {
        self.forget_at
    }

    fn schedule(&mut self, ctx: &Context) {
        let wait = ctx.settings.session_timeout;
        self.forget_at = self.unused.values().min().map_or(Time::NEVER, |since| *since + wait);
    }
}

impl Planner {
    /// Notes, after a consistent listing, which ended sessions no lease names.
    pub(super) fn note_unused_sessions(&mut self, ctx: &Context) {
        let used = self.sessions_in_use();
        let unused: Vec<SessionId> = self
            .fleet
            .rows()
            .filter(|row| row.has_ended() && !used.contains(&row.id))
            .map(|row| row.id.clone())
            .collect();
        self.upkeep.unused.retain(|id, _| unused.contains(id));
        for id in unused {
            self.upkeep.unused.entry(id).or_insert(ctx.now);
        }
        self.upkeep.schedule(ctx);
    }

    /// Deletes the rows of sessions that ended a session timeout ago and that no lease names.
    pub(super) fn forget_due(&mut self, ctx: &mut Context) {
        if self.upkeep.forget_at > ctx.now || !self.valid {
            return;
        }
        let wait = ctx.settings.session_timeout;
        let now = ctx.now;
        for (id, since) in &mut self.upkeep.unused {
            if *since + wait <= now {
                // Asked again a timeout later, should this fail.
                *since = now;
                let ask = Purpose::Planner(Ask::Forget(id.clone()));
                ctx.ask(StoreCall::Forget(Forget::new(id.clone())), ask);
            }
        }
        self.upkeep.schedule(ctx);
    }

    pub(super) fn on_forgotten(
        &mut self,
        id: &SessionId,
        outcome: &StoreOutcome,
        ctx: &mut Context,
    ) {
        if !matches!(outcome, Ok(StoreReply::SessionWrite(_))) {
            return;
        }
        sometimes!(SessionForgotten);
        self.upkeep.unused.remove(id);
        self.upkeep.schedule(ctx);
        let others = self.fleet.rows().any(|row| row.id.worker == id.worker && row.id != *id);
        if !others {
            let ask = Purpose::Planner(Ask::DeadDoc(id.worker.clone()));
            ctx.ask(StoreCall::Doc(DocName::assignment(&id.worker)), ask);
        }
    }

    /// The document of a worker that is gone, if there still is one, goes too.
    pub(super) fn on_dead_doc(
        &mut self,
        worker: &WorkerId,
        doc: Option<Document>,
        ctx: &mut Context,
    ) {
        if let Some(doc) = doc.filter(|_| self.fleet.member_of(worker).is_none()) {
            self.desks.remove(worker);
            let delete = DeleteDoc::new(doc.name, doc.version);
            ctx.ask(StoreCall::DeleteDoc(delete), Purpose::Nobody);
        }
    }

    /// Deletes lease rows nobody needs any more.
    pub(super) fn delete_useless(&mut self, ctx: &mut Context) {
        for delete in std::mem::take(&mut self.deletable) {
            if planted!(EndedRowKept) {
                return;
            }
            sometimes!(EndedRowDeleted);
            self.rows.remove(&delete.key);
            ctx.ask(StoreCall::Delete(delete), Purpose::Nobody);
        }
    }

    /// Of the rows of a former life of the stream, those that no live session holds. The others
    /// are given up first.
    pub(super) fn retirable(&self, stale: Vec<Delete>) -> Vec<Delete> {
        let held = |delete: &Delete| {
            let owner = self.rows.get(&delete.key).and_then(|row| row.owner.as_ref());
            owner.is_some_and(|owner| self.fleet.is_alive(owner))
        };
        stale.into_iter().filter(|delete| !held(delete)).collect()
    }
}
