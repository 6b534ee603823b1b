//! Tidying: rows of sessions that have ended, documents of workers that are gone, leases of shards
//! that are no more.

use super::{Planner, ask};
use crate::{
    assignment::placement::{PlacementRules, Resolver},
    coordinator::{
        command::Notice,
        context::Context,
        op::{self, Answered},
    },
    lease::{
        Delete, DeleteDoc, DocName, Document, Forget, Lease, PutDoc, SessionId, WorkerId, Write,
    },
    lineage::Lineage,
};

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
                ctx.ask(op::Forget(Forget::new(id.clone())), ask::Forget(id.clone()));
            }
        }
        self.upkeep.schedule(ctx);
    }

    pub(super) fn on_forgotten(
        &mut self,
        id: &SessionId,
        answer: &Answered<op::Forget>,
        ctx: &mut Context,
    ) {
        if answer.is_err() {
            return;
        }
        sometimes!(SessionForgotten);
        self.upkeep.unused.remove(id);
        self.upkeep.schedule(ctx);
        let others = self.fleet.rows().any(|row| row.id.worker == id.worker && row.id != *id);
        if !others {
            let document = op::Doc(DocName::assignment(&id.worker));
            ctx.ask(document, ask::DeadDoc(id.worker.clone()));
            self.forget_report(&id.worker, ctx);
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
            ctx.tell(op::DeleteDoc(delete));
        }
    }

    /// Deletes lease rows nobody needs any more. With a row goes what is known of its shard's
    /// parents: rules that shards inherit through it are first made rules of their own.
    pub(super) fn delete_useless(&mut self, ctx: &mut Context) {
        let deletes = std::mem::take(&mut self.deletable);
        // Rules that make no sense now may be mended, and must find what they were about.
        let Some(seen) = self.rules_seen.filter(|_| !deletes.is_empty()) else { return };
        let Some(rules) = self.handed_down(&deletes) else { return self.delete(deletes, ctx) };
        match rules.encode() {
            Ok(body) => {
                let put = PutDoc::new(DocName::placement(), seen, body);
                ctx.ask(op::PutDoc(put), ask::PutRules(rules, deletes));
            }
            Err(error) => ctx.notify(Notice::BadRules(error.to_string())),
        }
    }

    /// The rules as they must read before these rows go; `None` if they already do.
    fn handed_down(&self, deletes: &[Delete]) -> Option<PlacementRules> {
        let view = self.stream.as_ref().filter(|_| !self.rules.rules().is_empty())?;
        let key = &view.description.key;
        let of_stream = deletes.iter().filter(|delete| delete.key.stream().as_ref() == Some(key));
        let leaving = of_stream.filter_map(|delete| delete.key.shard()).collect();
        let rows: Vec<Lease> = self.rows.values().cloned().collect();
        let lineage = Lineage::new(key, &view.shards, &rows);
        Resolver::new(&self.rules, &lineage).handed_down(&leaving)
    }

    /// The rules were written; if they were not, the next audit finds the rows again.
    pub(super) fn on_rules_put(
        &mut self,
        rules: PlacementRules,
        deletes: Vec<Delete>,
        answer: &Answered<op::PutDoc>,
        ctx: &mut Context,
    ) {
        match answer {
            Ok(Write::Done(doc)) => {
                self.rules = rules;
                self.rules_seen = Some(Some(doc.version));
                self.delete(deletes, ctx);
            }
            _ => self.rules_due = true,
        }
    }

    fn delete(&mut self, deletes: Vec<Delete>, ctx: &mut Context) {
        for delete in deletes {
            if planted!(EndedRowKept) {
                return;
            }
            sometimes!(EndedRowDeleted);
            self.rows.remove(&delete.key);
            ctx.tell(op::Delete(delete));
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
