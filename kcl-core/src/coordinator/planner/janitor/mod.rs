//! Tidying: rows of sessions that have ended, documents of workers that are gone, leases of shards
//! that are no more.
//!
//! | of | when | then | it asks |
//! |---|---|---|---|
//! | an ended session | a reading shows that no lease names it | it is unused from now | – |
//! | an unused session | a session timeout later, and again after each | the same | forgets its row |
//! | an unused session | its row is forgotten, no other session of its worker is known | gone | the worker's document, and its report |
//! | a worker's document or report | it was read, and no session of its worker lives | gone | deletes it, in that version |
//! | a useless lease | a reading found it; shards inherit no rule by it | gone | deletes its row |
//! | a useless lease | likewise, and some do | waits | puts what is inherited, with the heirs |
//! | a useless lease | that is stored | gone | deletes its row |
//! | a useless lease | it is not, or too large | left to the next audit | – |
//! | what a shard inherits | its lease is gone, or it has a rule of its own | gone | puts the rest |
//! | what is inherited | one is stored of a higher term | the same | – (the planner is outranked) |

pub(in crate::coordinator) mod request;

/// Whether rows that nobody needs are deleted.
fn useless_rows_go() -> bool {
    !planted!(EndedRowKept)
}

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use self::request::Reply;
use super::{
    catalogue::{Catalogue, Fleet},
    plan::Plan,
    signal::Signal,
};
use crate::{
    assignment::placement::{Inherited, Resolver},
    coordinator::{command::Notice, context::Context, op},
    env::Time,
    lease::{
        Delete, DeleteDoc, DocName, Document, Epoch, Forget, PutDoc, SessionId, WorkerId, Write,
    },
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
        let ended = catalogue.fleet.rows().filter(|row| catalogue.is_whole() && row.has_ended());
        let mut unused: BTreeSet<&SessionId> = ended.map(|row| &row.id).collect();
        if !unused.is_empty() {
            let owners = catalogue.rows.values().filter_map(|row| row.owner.as_ref());
            for used in owners.chain(plan.iter().map(|(_, id)| id)) {
                unused.remove(used);
            }
        }
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
        if self.forget_at <= ctx.now {
            self.forget(ctx);
        }
    }

    fn forget(&mut self, ctx: &mut Context) {
        let wait = ctx.settings.session_timeout;
        let now = ctx.now;
        for (id, since) in &mut self.unused {
            if *since + wait <= now {
                // Asked again a timeout later, should this fail.
                *since = now;
                ctx.ask(op::Forget(Forget::new(id.clone())), request::Forget(id.clone()));
            }
        }
        self.schedule(ctx);
    }

    /// The store answered. Answers the worker whose document is gone with that.
    pub(super) fn on_answer(
        &mut self,
        answer: Reply,
        term: Epoch,
        catalogue: &mut Catalogue,
        ctx: &mut Context,
    ) -> Option<WorkerId> {
        match answer {
            Reply::Forget(id, Ok(_)) => self.on_forgotten(&id, &catalogue.fleet, ctx),
            Reply::DeadDoc(worker, Ok(Some(doc))) => {
                return delete_dead(worker, doc, &catalogue.fleet, ctx);
            }
            Reply::DeadReport(worker, Ok(Some(doc))) => {
                let _ = delete_dead(worker, doc, &catalogue.fleet, ctx);
            }
            Reply::PutInherited(says, deletes, write) => {
                catalogue.inheritance.is_busy = false;
                match write {
                    Ok(Write::Done(doc)) => {
                        catalogue.inheritance.written(says, term, doc.version);
                        delete(deletes, catalogue, ctx);
                    }
                    // The next reading reads it again, and the next audit finds the rows.
                    Ok(Write::Refused(found)) => give_way_to_higher(found.as_ref(), term, ctx),
                    Err(_) => {}
                }
            }
            Reply::Forget(..) | Reply::DeadDoc(..) | Reply::DeadReport(..) => {}
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
            ctx.ask(document, request::DeadDoc(id.worker.clone()));
            let report = op::Doc(DocName::report(&id.worker));
            ctx.ask(report, request::DeadReport(id.worker.clone()));
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
/// parents: what shards inherit through it is written down first. What is written down of shards
/// that inherit no longer goes.
pub(super) fn delete_useless(term: Epoch, catalogue: &mut Catalogue, ctx: &mut Context) {
    let deletes = catalogue.take_deletable();
    if !catalogue.rules.make_sense() || catalogue.inheritance.is_busy {
        return;
    }
    if !catalogue.rules.name_any() {
        return delete(deletes, catalogue, ctx);
    }
    // Nobody writes over what makes no sense, or is of a later planner.
    let Some(stored) = catalogue.inheritance.stored().cloned() else { return };
    if stored.term > term {
        return ctx.signal(Signal::Outranked);
    }
    let wanted = handed_down(&deletes, catalogue);
    if wanted == stored.says {
        return delete(deletes, catalogue, ctx);
    }
    let (wanted, deletes, body) = match wanted.encode(term) {
        Ok(body) => (wanted, deletes, body),
        Err(error) => {
            ctx.notify(Notice::InheritanceFull(error.to_string()));
            // No row goes; what nobody inherits any more may make room for the next time.
            let tidied = handed_down(&[], catalogue);
            let Some(body) = tidied.encode(term).ok().filter(|_| tidied != stored.says) else {
                return;
            };
            (tidied, Vec::new(), body)
        }
    };
    catalogue.inheritance.is_busy = true;
    let put = PutDoc::new(DocName::inherited(), stored.version, body);
    ctx.ask(op::PutDoc(put), request::PutInherited(wanted, deletes));
}

/// What shards inherit, as it must be stored before these rows go.
fn handed_down(deletes: &[Delete], catalogue: &Catalogue) -> Inherited {
    let mut inherited = catalogue.inheritance.known().clone();
    for plan in catalogue.streams.values() {
        let Some(view) = plan.view() else { continue };
        let key = &view.description.key;
        let of_stream = deletes.iter().filter(|delete| delete.key.stream().as_ref() == Some(key));
        let leaving = of_stream.filter_map(|delete| delete.key.shard()).collect();
        let lineage = Lineage::new(key, &view.shards, catalogue.rows_of(plan));
        let resolver = Resolver::new(catalogue.rules.stated(), &lineage);
        let heirs = resolver.with_inherited(catalogue.inheritance.known()).heirs(&leaving);
        inherited.replace(key, heirs);
    }
    inherited
}

/// Another planner wrote it meanwhile. If that one is of a higher term, this one is over.
fn give_way_to_higher(found: Option<&Document>, term: Epoch, ctx: &mut Context) {
    let theirs = found.and_then(|doc| Inherited::term_in(&doc.body));
    if theirs.is_some_and(|theirs| theirs > term) {
        ctx.signal(Signal::Outranked);
    }
}

fn delete(deletes: Vec<Delete>, catalogue: &mut Catalogue, ctx: &mut Context) {
    for delete in deletes.into_iter().filter(|_| useless_rows_go()) {
        sometimes!(EndedRowDeleted);
        catalogue.rows.remove(&delete.key);
        ctx.tell(op::Delete(delete));
    }
}
