//! Writing the assignment documents.
//!
//! Each worker's document has a state of its own, an `AssignmentDoc`. A document is written only if
//! it says something else than the one before, and never over one of a higher term.
//!
//! | phase | when | then | request to the store |
//! |---|---|---|---|
//! | at rest | another document is wanted | writing | put the document; read it first, if its version is not known |
//! | writing | it was read | writing | put the document |
//! | writing | it was put | at rest | wake the worker (the planner's own session hears of it by a signal) |
//! | writing | another version is stored, of this term or an earlier one | writing | put over it |
//! | writing | a document of a higher term is stored | – | – (the planner is outranked) |
//! | writing | the call failed | failed | – |
//! | failed | after `fast_poll` | writing | read the document |
//! | at rest | its worker has not confirmed it for two heartbeats | at rest | wake the worker |
//! | any | the planner's session is not valid | the same, due once it is valid | – |

mod entry;
pub(in crate::coordinator) mod request;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use self::{entry::AssignmentDoc, request::Reply};
use super::{catalogue::Fleet, signal::Signal, term::Term};
use crate::{
    coordinator::{command::Notice, context::Context, document::Assignment, op},
    env::Time,
    lease::{DocName, Document, PlanVersion, PutDoc, SessionId, WorkerId, Write},
};

/// The assignment documents of all workers, in one term.
#[derive(Debug)]
pub(super) struct Publisher {
    term: Term,
    /// The number of the newest document of this term.
    version: u64,
    entries: BTreeMap<WorkerId, AssignmentDoc>,
}

impl Publisher {
    pub(super) const fn new(term: Term) -> Self {
        Self { term, version: 0, entries: BTreeMap::new() }
    }

    pub(super) const fn term(&self) -> &Term {
        &self.term
    }

    /// The version of the newest document of this term.
    pub(super) const fn newest(&self) -> PlanVersion {
        PlanVersion { term: self.term.number, version: self.version }
    }

    /// Whether the store holds the document that this session should have, and the session has
    /// confirmed it.
    pub(super) fn is_echoed_by(&self, session: &SessionId, fleet: &Fleet) -> bool {
        let entry = self.entries.get(&session.worker);
        entry.is_some_and(|entry| entry.is_echoed_by(session, fleet))
    }

    /// Makes these the wanted documents: writes those that say something else than before.
    pub(super) fn publish(
        &mut self,
        documents: impl IntoIterator<Item = Assignment>,
        ctx: &mut Context,
    ) {
        for mut document in documents {
            let left_out = document.cut_to_fit();
            let worker = document.session.worker.clone();
            let entry = self.entries.entry(worker.clone()).or_default();
            if std::mem::replace(&mut entry.left_out, left_out) != left_out && left_out > 0 {
                ctx.notify(Notice::DocumentFull(DocName::assignment(&worker), left_out));
            }
            if !entry.says(&document) {
                self.version += 1;
                let version = PlanVersion { term: self.term.number, version: self.version };
                entry.wanted = Some(Assignment { version, ..document });
            }
            self.write(&worker, ctx);
        }
    }

    /// Whether a session has confirmed a version of this term that this planner has not written, as
    /// far as it knows. The planner wrote it, and a store that went back has lost it. Later
    /// documents get higher versions from now on.
    pub(super) const fn is_echo_of_lost(&mut self, seen: PlanVersion) -> bool {
        let lost = seen.term.0 == self.term.number.0 && seen.version > self.version;
        if lost {
            self.version = seen.version;
        }
        lost
    }

    /// The store may have lost the documents. None is wanted before the next plan.
    pub(super) fn forget_stored(&mut self) {
        for entry in self.entries.values_mut() {
            entry.stored = None;
            entry.published = None;
            entry.wanted = None;
        }
    }

    /// The worker has no session any more, and its document was deleted.
    pub(super) fn remove(&mut self, worker: &WorkerId) {
        self.entries.remove(worker);
    }

    /// Brings the stored document of one worker up to date, unless a call is under way.
    fn write(&mut self, worker: &WorkerId, ctx: &mut Context) {
        let Some(entry) = self.entries.get_mut(worker) else { return };
        // After the store went back nothing is wanted before the next plan.
        let done = entry.is_published() || entry.wanted.is_none();
        if done {
            entry.retry_at = None;
        }
        if entry.busy || done {
            return;
        }
        if !ctx.valid {
            // It is written as soon as the planner's session is valid again.
            entry.retry_at = Some(ctx.now);
            return;
        }
        let name = DocName::assignment(worker);
        entry.busy = true;
        entry.retry_at = None;
        match (entry.stored, &entry.wanted) {
            (Some(seen), Some(wanted)) => {
                let put = PutDoc::new(name, seen, wanted.encode());
                let request = request::PutDocument(worker.clone(), wanted.version);
                ctx.ask(op::PutDoc(put), request);
            }
            _ => ctx.ask(op::Doc(name), request::Doc(worker.clone())),
        }
    }

    /// The store answered. Returns the document, if the wanted one is stored now.
    pub(super) fn on_answer(&mut self, answer: Reply, ctx: &mut Context) -> Option<Assignment> {
        match answer {
            Reply::Doc(worker, Ok(found)) => self.on_found(&worker, found.as_ref(), ctx),
            Reply::PutDocument(worker, version, Ok(Write::Done(doc))) => {
                return self.on_put(&worker, version, &doc, ctx);
            }
            Reply::PutDocument(worker, _, Ok(Write::Refused(found))) => {
                self.on_found(&worker, found.as_ref(), ctx);
            }
            Reply::Doc(worker, Err(_)) | Reply::PutDocument(worker, _, Err(_)) => {
                self.write_later(&worker, ctx);
            }
        }
        None
    }

    /// A stored document was read, or refused a put. One of a higher term ends this planner; any
    /// other is written over. Of a document that cannot be decoded the term still counts; if the
    /// term cannot be read, either, that is reported before it is written over.
    fn on_found(&mut self, worker: &WorkerId, found: Option<&Document>, ctx: &mut Context) {
        let version = found.map(|doc| Assignment::version_in(&doc.body));
        if version == Some(None) {
            let name = DocName::assignment(worker);
            ctx.notify(Notice::Unreadable(name, Assignment::EXPECTED.to_owned()));
        }
        let term = version.flatten().map(|version| version.term);
        if term.is_some_and(|term| self.term.is_over_by(term)) {
            sometimes!(Outranked);
            ctx.signal(Signal::Outranked);
            return;
        }
        if let Some(entry) = self.entries.get_mut(worker) {
            entry.busy = false;
            entry.stored = Some(found.map(|doc| doc.version));
        }
        self.write(worker, ctx);
    }

    /// A document was put: wakes its worker, or, for the planner's own, queues a signal.
    fn on_put(
        &mut self,
        worker: &WorkerId,
        version: PlanVersion,
        doc: &Document,
        ctx: &mut Context,
    ) -> Option<Assignment> {
        let Some(written) = Assignment::decode(&doc.body) else {
            self.write_later(worker, ctx);
            return None;
        };
        let entry = self.entries.get_mut(worker)?;
        entry.busy = false;
        entry.stored = Some(Some(doc.version));
        let published = (written.version == version).then_some(written);
        if let Some(document) = &published {
            entry.published = Some(document.clone());
            entry.woken_at = Some(ctx.now);
            if document.session == self.term.planner {
                ctx.signal(Signal::Mine(Box::new(document.clone())));
            } else {
                ctx.wake(&document.session);
            }
        }
        self.write(worker, ctx);
        published
    }

    /// A read or a write failed: the document is read again after `fast_poll`.
    fn write_later(&mut self, worker: &WorkerId, ctx: &Context) {
        if let Some(entry) = self.entries.get_mut(worker) {
            // The write may be applied later, so the document is read again.
            entry.stored = None;
            entry.busy = false;
            entry.retry_at = Some(ctx.now + ctx.settings.fast_poll);
        }
    }

    /// Makes the calls that are due, and wakes workers that have not confirmed their documents in
    /// time.
    pub(super) fn go_on(&mut self, fleet: &Fleet, ctx: &mut Context) {
        let now = ctx.now;
        let due: Vec<WorkerId> = self
            .entries
            .iter()
            .filter(|(_, entry)| entry.retry_at.is_some_and(|at| at <= now))
            .map(|(worker, _)| worker.clone())
            .collect();
        for worker in due {
            self.write(&worker, ctx);
        }
        self.wake_the_deaf(fleet, ctx);
    }

    /// Wakes workers that have not confirmed their documents for two heartbeats: a wake-up may have
    /// been lost, or the worker may have read an older version.
    fn wake_the_deaf(&mut self, fleet: &Fleet, ctx: &mut Context) {
        let patience = ctx.settings.heartbeat_interval * 2;
        for entry in self.entries.values_mut() {
            let Some(document) = &entry.published else { continue };
            if entry.woken_at.is_none_or(|at| ctx.now < at + patience) {
                continue;
            }
            let session = &document.session;
            let deaf = *session != self.term.planner
                && fleet.is_alive(session)
                && fleet.seen_by(session) < document.version;
            if deaf {
                sometimes!(DeafWokenAgain);
                entry.woken_at = Some(ctx.now);
                ctx.wake(session);
            }
        }
    }

    pub(super) fn next_wake(&self) -> Time {
        self.entries.values().filter_map(|entry| entry.retry_at).min().unwrap_or(Time::NEVER)
    }
}
