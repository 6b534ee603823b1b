//! Deleting useless rows and documents: rows of ended sessions, documents of workers without a
//! session, and leases of shards that the stream has forgotten.
//!
//! A session's row is deleted a session timeout after a consistent listing showed no lease that
//! names it (PROTOCOL rule 1). Before a lease's row is deleted, the rules that other shards inherit
//! through it are written to the document `inherited` (PROTOCOL §5).
//!
//! | what | when | then | request to the store |
//! |---|---|---|---|
//! | an ended session | a reading shows that no lease names it | it is unused from now on | – |
//! | an unused session | a session timeout later, and again after each | the same | delete its row (`forget`) |
//! | an unused session | its row is deleted, and no other session of its worker is known | gone | read the worker's document and its report |
//! | a worker's document or report | it was read, and no session of its worker lives | gone | delete it, in that version |
//! | a useless lease | a reading found it; no shard inherits a rule through it | gone | delete its row |
//! | a useless lease | the same, and some shard does | waits | put `inherited` with these shards |
//! | a useless lease | that is stored | gone | delete its row |
//! | a useless lease | that is not stored, or too large | left to the next audit | – |
//! | an inherited rule | the heir's lease is gone, or it has a rule of its own | gone | put `inherited` without it |
//! | `inherited` | the stored one is of a higher term | the same | – (the planner is outranked) |

pub(in crate::coordinator) mod request;

/// Whether useless lease rows are deleted.
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

/// The ended sessions whose rows are to be deleted, and when.
#[derive(Debug)]
pub(super) struct Janitor {
    /// The ended sessions that no lease and no plan names, and since when.
    unused: BTreeMap<SessionId, Time>,
    /// When the first of their rows may be deleted; [`Time::NEVER`] if there is none.
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

    /// Notes, after a consistent listing, which ended sessions no lease and no plan names. Notes
    /// none while a lease's row cannot be decoded: it may name any session.
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

    /// Sets the time at which the first unused session may be deleted.
    fn schedule(&mut self, ctx: &Context) {
        let wait = ctx.settings.session_timeout;
        self.forget_at = self.unused.values().min().map_or(Time::NEVER, |since| *since + wait);
    }

    /// Deletes the rows of sessions that have been unused for a session timeout.
    pub(super) fn forget_due(&mut self, ctx: &mut Context) {
        if self.forget_at <= ctx.now {
            self.forget(ctx);
        }
    }

    /// Asks for the deletion of each row that has waited long enough.
    fn forget(&mut self, ctx: &mut Context) {
        let wait = ctx.settings.session_timeout;
        let now = ctx.now;
        for (id, since) in &mut self.unused {
            if *since + wait <= now {
                // Deleted again a timeout later, if this fails.
                *since = now;
                ctx.ask(op::Forget(Forget::new(id.clone())), request::Forget(id.clone()));
            }
        }
        self.schedule(ctx);
    }

    /// The store answered. Returns the worker whose assignment document is being deleted, if there
    /// is one.
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
                    // The next reading reads `inherited` again, and the next audit finds the rows.
                    Ok(Write::Refused(found)) => give_way_to_higher(found.as_ref(), term, ctx),
                    Err(_) => {}
                }
            }
            Reply::Forget(..) | Reply::DeadDoc(..) | Reply::DeadReport(..) => {}
        }
        None
    }

    /// The row of a session is deleted. If no other session of its worker is known, the worker's
    /// documents are read, to delete them.
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

/// Deletes a document of a worker without a session. Returns the worker; `None` if it has come
/// back.
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

/// Deletes useless lease rows. A row names the parents of its shard; so first the rules
/// that shards inherit through it are written down, and entries that no shard needs are left out.
pub(super) fn delete_useless(term: Epoch, catalogue: &mut Catalogue, ctx: &mut Context) {
    let deletes = catalogue.take_deletable();
    if !catalogue.rules.make_sense() || catalogue.inheritance.is_busy {
        return;
    }
    if !catalogue.rules.name_any() {
        return delete(deletes, catalogue, ctx);
    }
    // A document that cannot be decoded, or is of a later planner, is not written over.
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
            // No row is deleted. Without the entries that no shard needs it may fit the next time.
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

/// The rules that shards inherit, as they have to be stored before these rows are deleted.
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

/// Another planner wrote the document meanwhile. If that planner's term is higher, this one is
/// outdated.
fn give_way_to_higher(found: Option<&Document>, term: Epoch, ctx: &mut Context) {
    let theirs = found.and_then(|doc| Inherited::term_in(&doc.body));
    if theirs.is_some_and(|theirs| theirs > term) {
        ctx.signal(Signal::Outranked);
    }
}

/// Deletes these lease rows, here at once and in the store without waiting for the outcome: a row
/// that is left is found by the next reading.
fn delete(deletes: Vec<Delete>, catalogue: &mut Catalogue, ctx: &mut Context) {
    for delete in deletes.into_iter().filter(|_| useless_rows_go()) {
        sometimes!(EndedRowDeleted);
        catalogue.rows.remove(&delete.key);
        ctx.tell(op::Delete(delete));
    }
}
