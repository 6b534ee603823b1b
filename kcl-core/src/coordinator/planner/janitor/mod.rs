//! Tidying: rows of sessions that have ended, documents of workers that are gone, leases of shards
//! that are no more.
//!
//! | of | when | then | it asks |
//! |---|---|---|---|
//! | an ended session | a reading shows that no lease names it | it is unused from now | – |
//! | an unused session | a session timeout later, and again after each | the same | forgets its row |
//! | an unused session | its row is forgotten, no other session of its worker is known | gone | the worker's document |
//! | an unused session | the same, and leases are shared out by load | gone | the worker's report, too |
//! | a worker's document or report | it was read, and no session of its worker lives | gone | deletes it, in that version |
//! | a useless lease | a reading found it; shards inherit no rule by it | gone | deletes its row |
//! | a useless lease | likewise, and some do | waits | puts the rules with those of the heirs |
//! | a useless lease | those rules are stored | gone | deletes its row |
//! | a useless lease | they are not | left to the next audit | – |

pub(in crate::coordinator) mod ask;

/// Whether rows that nobody needs are deleted.
fn useless_rows_go() -> bool {
    !planted!(EndedRowKept)
}

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use self::ask::Answer;
use super::{
    catalogue::{Catalogue, Fleet},
    plan::Plan,
};
use crate::{
    assignment::placement::{PlacementRules, Resolver},
    coordinator::{command::Notice, context::Context, op, reporting::Reporting},
    env::Time,
    lease::{Delete, DeleteDoc, DocName, Document, Forget, PutDoc, SessionId, WorkerId, Write},
    lineage::Lineage,
};

/// What is to be tidied, and when.
#[derive(Debug)]
pub(super) struct Janitor {
    /// Ended sessions that no lease named, since when.
    unused: BTreeMap<SessionId, Time>,
    /// When the first of them may be forgotten.
    forget_at: Time,
}

impl Default for Janitor {
    fn default() -> Self {
        Self { unused: BTreeMap::new(), forget_at: Time::NEVER }
    }
}

impl Janitor {
    pub(super) const fn next_wake(&self) -> Time {
        self.forget_at
    }

    /// Notes, after a consistent listing, which ended sessions no lease names.
    pub(super) fn note_unused(&mut self, catalogue: &Catalogue, plan: &Plan, ctx: &Context) {
        let owners = catalogue.rows.values().filter_map(|row| row.owner.as_ref());
        let used: BTreeSet<&SessionId> = owners.chain(plan.iter().map(|(_, id)| id)).collect();
        let unused: BTreeSet<&SessionId> = catalogue
            .fleet
            .rows()
            .filter(|row| catalogue.is_whole() && row.has_ended() && !used.contains(&row.id))
            .map(|row| &row.id)
            .collect();
        self.unused.retain(|id, _| unused.contains(id));
        for id in unused {
            self.unused.entry(id.clone()).or_insert(ctx.now);
        }
        self.schedule(ctx);
    }

    fn schedule(&mut self, ctx: &Context) {
        let wait = ctx.settings.session_timeout;
        self.forget_at = self.unused.values().min().map_or(Time::NEVER, |since| *since + wait);
    }

    /// Deletes the rows of sessions that ended a session timeout ago and that no lease names.
    pub(super) fn forget_due(&mut self, ctx: &mut Context) {
        if self.forget_at > ctx.now {
            return;
        }
        let wait = ctx.settings.session_timeout;
        let now = ctx.now;
        for (id, since) in &mut self.unused {
            if *since + wait <= now {
                // Asked again a timeout later, should this fail.
                *since = now;
                ctx.ask(op::Forget(Forget::new(id.clone())), ask::Forget(id.clone()));
            }
        }
        self.schedule(ctx);
    }

    /// The store answered. Answers the worker whose document is gone with that.
    pub(super) fn on_answer(
        &mut self,
        answer: Answer,
        catalogue: &mut Catalogue,
        ctx: &mut Context,
    ) -> Option<WorkerId> {
        match answer {
            Answer::Forget(id, Ok(_)) => self.on_forgotten(&id, &catalogue.fleet, ctx),
            Answer::DeadDoc(worker, Ok(Some(doc))) => {
                return delete_dead(worker, doc, &catalogue.fleet, ctx);
            }
            Answer::DeadReport(worker, Ok(Some(doc))) => {
                let _ = delete_dead(worker, doc, &catalogue.fleet, ctx);
            }
            Answer::PutRules(rules, deletes, Ok(Write::Done(doc))) => {
                catalogue.rules.written(rules, doc.version);
                delete(deletes, catalogue, ctx);
            }
            // The next audit finds the rows again.
            Answer::PutRules(..) => catalogue.rules.want(),
            Answer::Forget(..) | Answer::DeadDoc(..) | Answer::DeadReport(..) => {}
        }
        None
    }

    fn on_forgotten(&mut self, id: &SessionId, fleet: &Fleet, ctx: &mut Context) {
        sometimes!(SessionForgotten);
        self.unused.remove(id);
        self.schedule(ctx);
        let others = fleet.of_worker(&id.worker).any(|row| row.id != *id);
        if !others {
            let document = op::Doc(DocName::assignment(&id.worker));
            ctx.ask(document, ask::DeadDoc(id.worker.clone()));
            if Reporting::is_wanted(ctx) {
                let report = op::Doc(DocName::report(&id.worker));
                ctx.ask(report, ask::DeadReport(id.worker.clone()));
            }
        }
    }
}

/// The document of a worker that is gone goes, too. Answers that worker, unless it came back.
fn delete_dead(
    worker: WorkerId,
    doc: Document,
    fleet: &Fleet,
    ctx: &mut Context,
) -> Option<WorkerId> {
    if fleet.member_of(&worker).is_some() {
        return None;
    }
    ctx.tell(op::DeleteDoc(DeleteDoc::new(doc.name, doc.version)));
    Some(worker)
}

/// Deletes lease rows that nobody needs any more. With a row goes what is known of its shard's
/// parents: rules that shards inherit through it are first made rules of their own.
pub(super) fn delete_useless(catalogue: &mut Catalogue, ctx: &mut Context) {
    let deletes = catalogue.take_deletable();
    // Rules that make no sense now may be mended, and must find what they were about.
    let Some(seen) = catalogue.rules.version().filter(|_| !deletes.is_empty()) else { return };
    let Some(rules) = handed_down(&deletes, catalogue) else {
        return delete(deletes, catalogue, ctx);
    };
    match rules.encode() {
        Ok(body) => {
            let put = PutDoc::new(DocName::placement(), seen, body);
            ctx.ask(op::PutDoc(put), ask::PutRules(rules, deletes));
        }
        Err(error) => ctx.notify(Notice::BadRules(error.to_string())),
    }
}

/// The rules as they must read before these rows go; `None` if they already do.
fn handed_down(deletes: &[Delete], catalogue: &Catalogue) -> Option<PlacementRules> {
    let mut rules = None;
    for plan in catalogue.streams.values() {
        let stated: &PlacementRules = rules.as_ref().unwrap_or_else(|| catalogue.rules.stated());
        let Some(view) = plan.view().filter(|_| !stated.rules().is_empty()) else { continue };
        let key = &view.description.key;
        let of_stream = deletes.iter().filter(|delete| delete.key.stream().as_ref() == Some(key));
        let leaving = of_stream.filter_map(|delete| delete.key.shard()).collect();
        let lineage = Lineage::new(key, &view.shards, catalogue.rows_of(plan));
        let handed = Resolver::new(stated, &lineage).handed_down(&leaving);
        rules = handed.or(rules);
    }
    rules
}

fn delete(deletes: Vec<Delete>, catalogue: &mut Catalogue, ctx: &mut Context) {
    for delete in deletes {
        if !useless_rows_go() {
            return;
        }
        sometimes!(EndedRowDeleted);
        catalogue.rows.remove(&delete.key);
        ctx.tell(op::Delete(delete));
    }
}
