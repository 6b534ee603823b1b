//! Writing the documents, and meeting those of others.

use super::{Planner, ask, signal::Signal};
use crate::{
    coordinator::{
        command::Notice,
        context::Context,
        document::Assignment,
        op::{self, Answered},
    },
    env::Time,
    lease::{DocName, Document, PlanVersion, PutDoc, SessionId, WorkerId, Write},
};

impl Planner {
    /// Makes every worker's document say what the plan and the moves now mean, and writes those
    /// that changed.
    pub(super) fn publish(&mut self, ctx: &mut Context) {
        let members: Vec<SessionId> = self.fleet.members().map(|row| row.id.clone()).collect();
        // A leaving worker is no member, and is told whom to hand its leases to.
        let leaving = self.fleet.rows().filter(|row| !row.has_ended()).map(|row| row.id.clone());
        let mut all: Vec<SessionId> =
            leaving.filter(|id| !members.contains(id) && self.owns_anything(id)).collect();
        all.extend(members);
        for session in all {
            let document = self.document_for(&session, ctx);
            let desk = self.desks.entry(session.worker.clone()).or_default();
            if !desk.says(&document) {
                self.version += 1;
                let version = PlanVersion { term: self.term, version: self.version };
                desk.wanted = Some(Assignment { version, ..document });
            }
            self.write(&session.worker, ctx);
        }
    }

    fn owns_anything(&self, session: &SessionId) -> bool {
        self.rows.values().any(|row| row.owner.as_ref() == Some(session))
    }

    /// Brings one worker's stored document up to date.
    fn write(&mut self, worker: &WorkerId, ctx: &mut Context) {
        let valid = self.valid;
        let Some(desk) = self.desks.get_mut(worker) else { return };
        // What a store that went back may have lost is not wanted again before the next plan.
        let done = desk.is_published() || desk.wanted.is_none();
        if done {
            desk.retry_at = None;
        }
        if desk.busy || done {
            return;
        }
        if !valid {
            // Written as soon as the planner's session is valid again.
            desk.retry_at = Some(ctx.now);
            return;
        }
        let name = DocName::assignment(worker);
        desk.busy = true;
        desk.retry_at = None;
        match (desk.stored, &desk.wanted) {
            (Some(seen), Some(wanted)) => {
                let put = PutDoc::new(name, seen, wanted.encode());
                let request = ask::PutDocument(worker.clone(), wanted.version);
                ctx.ask(op::PutDoc(put), request);
            }
            _ => ctx.ask(op::Doc(name), ask::Doc(worker.clone())),
        }
    }

    pub(super) fn on_doc(
        &mut self,
        worker: &WorkerId,
        answer: Answered<op::Doc>,
        ctx: &mut Context,
    ) {
        match answer {
            Ok(found) => self.on_found(worker, found.as_ref(), ctx),
            Err(_) => self.write_later(worker, ctx),
        }
    }

    /// A stored document was met. One of a higher term ends this planner; any other is written
    /// over. One that makes no sense is no less a document: its term counts, and if that cannot be
    /// read either, it is not written over in silence.
    fn on_found(&mut self, worker: &WorkerId, found: Option<&Document>, ctx: &mut Context) {
        let version = found.map(|doc| Assignment::version_in(&doc.body));
        if version == Some(None) {
            let name = DocName::assignment(worker);
            ctx.notify(Notice::Unreadable(name, Assignment::EXPECTED.to_owned()));
        }
        let term = version.flatten().map(|version| version.term);
        if term.is_some_and(|term| term > self.term) && !planted!(HigherTermOverwritten) {
            sometimes!(Outranked);
            ctx.signal(Signal::Outranked);
            return;
        }
        if let Some(desk) = self.desks.get_mut(worker) {
            desk.busy = false;
            desk.stored = Some(found.map(|doc| doc.version));
        }
        self.write(worker, ctx);
    }

    pub(super) fn on_doc_put(
        &mut self,
        worker: &WorkerId,
        version: PlanVersion,
        answer: Answered<op::PutDoc>,
        ctx: &mut Context,
    ) {
        match answer {
            Ok(Write::Done(doc)) => {
                let Some(written) = Assignment::decode(&doc.body) else {
                    return self.write_later(worker, ctx);
                };
                let Some(desk) = self.desks.get_mut(worker) else { return };
                desk.busy = false;
                desk.stored = Some(Some(doc.version));
                if written.version == version {
                    self.on_published(written, ctx);
                }
                self.write(worker, ctx);
            }
            Ok(Write::Refused(found)) => self.on_found(worker, found.as_ref(), ctx),
            Err(_) => self.write_later(worker, ctx),
        }
    }

    fn on_published(&mut self, document: Assignment, ctx: &mut Context) {
        let session = document.session.clone();
        if let Some(desk) = self.desks.get_mut(&session.worker) {
            desk.published = Some(document.clone());
            desk.woken_at = Some(ctx.now);
        }
        self.note_publication(&document, ctx);
        if session == self.me {
            ctx.signal(Signal::Mine(Box::new(document)));
        } else {
            ctx.wake(&session);
        }
    }

    fn write_later(&mut self, worker: &WorkerId, ctx: &Context) {
        if let Some(desk) = self.desks.get_mut(worker) {
            // A write whose outcome is unknown may land later: what is stored is read again.
            desk.stored = None;
            desk.busy = false;
            desk.retry_at = Some(ctx.now + ctx.settings.fast_poll);
        }
    }

    pub(super) fn publish_due(&mut self, ctx: &mut Context) {
        let now = ctx.now;
        let due: Vec<WorkerId> = self
            .desks
            .iter()
            .filter(|(_, desk)| desk.retry_at.is_some_and(|at| at <= now))
            .map(|(worker, _)| worker.clone())
            .collect();
        for worker in due {
            self.write(&worker, ctx);
        }
        self.wake_the_deaf(ctx);
    }

    /// Wakes workers that have not said in time that they saw their document: a wake-up may be
    /// lost, and a document read may have been stale.
    fn wake_the_deaf(&mut self, ctx: &mut Context) {
        let patience = ctx.settings.heartbeat_interval * 2;
        for desk in self.desks.values_mut() {
            let Some(document) = &desk.published else { continue };
            if desk.woken_at.is_none_or(|at| ctx.now < at + patience) {
                continue;
            }
            let session = &document.session;
            let deaf = *session != self.me
                && self.fleet.is_alive(session)
                && self.fleet.seen_by(session) < document.version;
            if deaf {
                sometimes!(DeafWokenAgain);
                desk.woken_at = Some(ctx.now);
                ctx.wake(session);
            }
        }
    }

    pub(super) fn next_publication(&self) -> Time {
        self.desks.values().filter_map(|desk| desk.retry_at).min().unwrap_or(Time::NEVER)
    }
}
