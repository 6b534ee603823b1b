//! Reads the assignment document of this worker, and decides when to read it.
//!
//! A wake-up makes the inbox read the document. While the session waits for its first document, or
//! leaves and waits for the document that names its successors, the inbox reads it every
//! `fast_poll`, too. It reads at most one at a time: the document that came must be followed before
//! the next read.
//!
//! The inbox does not follow a document: `hear.rs` hands it to the other parts.
//!
//! | phase | when | then | request to the store |
//! |---|---|---|---|
//! | at rest | the document should be read | reading | read the document |
//! | at rest | it is time for the next poll, and another session plans | reading | read the document |
//! | reading | the document should be read | reading, and once more | – |
//! | reading | the document came and can be decoded | came | – |
//! | reading | it cannot be decoded, there is none, or no answer | at rest | – (the first is reported once for each version) |
//! | came | the document should be read | came, and once more | – |
//! | came | the other parts have followed it | at rest | – |
//! | reading, came | it should be read once more, and would be at rest | reading | read the document |

pub(super) mod request;
pub(super) mod signal;

#[cfg(test)]
mod tests;

use std::time::Duration;

use self::{request::Reply, signal::Signal};
use super::{
    command::Notice,
    context::Context,
    document::Assignment,
    op::{self, Answered},
};
use crate::{
    env::Time,
    lease::{DocName, Document, PlanVersion, SessionId},
};

/// How long a new session polls for its first document.
const EAGER_FOR: Duration = Duration::from_secs(5);

/// The reads of this worker's assignment document.
#[derive(Debug)]
pub(super) struct Inbox {
    me: SessionId,
    phase: Phase,
    /// When the document is read without a wake-up; [`Time::NEVER`] if it is not polled.
    poll_at: Time,
    /// Until when the session polls for its first document.
    eager_until: Time,
    /// The version that could not be decoded, once that was reported.
    unreadable: Option<u64>,
}

/// The phase of a read. `again` says that the document should be read once more after this read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// No read is under way.
    AtRest,
    /// A read of the document is under way.
    Reading { again: bool },
    /// The document was read; the other parts have not followed it yet.
    Came { again: bool },
}

/// The facts of other parts that the inbox needs.
#[derive(Clone, Copy, Debug)]
pub(super) struct Facts {
    /// Whether the session is live and another session is the planner.
    pub(super) is_planned_for: bool,
    /// Whether the session follows a document of its own.
    pub(super) follows_one: bool,
    pub(super) is_leaving: bool,
}

/// The meaning of a document to this session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Meaning {
    /// It is newer than those seen before: the session follows it.
    New,
    /// It is no newer than one that was seen.
    Old,
    /// It was written for another session of this worker.
    OfAnotherLife,
}

impl Inbox {
    pub(super) const fn new(me: SessionId) -> Self {
        Self {
            me,
            phase: Phase::AtRest,
            poll_at: Time::NEVER,
            eager_until: Time::ZERO,
            unreadable: None,
        }
    }

    pub(super) const fn next_wake(&self) -> Time {
        self.poll_at
    }

    /// The session has joined: starts to poll for its first document.
    pub(super) fn on_joined(&mut self, now: Time) {
        self.poll_at = now;
        self.eager_until = now + EAGER_FOR;
    }

    /// The worker leaves: starts to poll for the document that gives its leases away.
    pub(super) fn on_leaving(&mut self, ctx: &Context) {
        self.poll_at = ctx.now + ctx.settings.fast_poll;
    }

    /// Polls the document, if that is due and another session plans for this one.
    pub(super) fn on_tick(&mut self, facts: Facts, ctx: &mut Context) {
        if self.poll_at > ctx.now {
            return;
        }
        self.poll_at = Time::NEVER;
        if facts.is_planned_for {
            if self.is_expected(facts, ctx.now) {
                self.poll_at = ctx.now + ctx.settings.fast_poll;
            }
            self.read(ctx);
        }
    }

    /// Whether a document is expected at any moment, so that it is polled.
    fn is_expected(&self, facts: Facts, now: Time) -> bool {
        self.expects_the_first(facts, now) || facts.is_leaving || planted!(EagerForEver)
    }

    /// Whether the session still waits for its first document.
    fn expects_the_first(&self, facts: Facts, now: Time) -> bool {
        !facts.follows_one && now < self.eager_until
    }

    /// Reads the document; if a read is under way, reads it once more after that.
    pub(super) fn read(&mut self, ctx: &mut Context) {
        match &mut self.phase {
            Phase::AtRest => {
                self.phase = Phase::Reading { again: false };
                let name = DocName::assignment(&self.me.worker);
                ctx.ask(op::Doc(name), request::MyDocument);
            }
            Phase::Reading { again } | Phase::Came { again } => *again = true,
        }
    }

    /// The document was read: hands it to the other parts, or rests if there is nothing to follow.
    pub(super) fn on_answer(&mut self, answer: Reply, ctx: &mut Context) {
        let Reply::MyDocument(answer) = answer;
        let Phase::Reading { again } = self.phase else { return };
        match self.assignment(answer, ctx) {
            Some(assignment) => {
                self.phase = Phase::Came { again };
                ctx.signal(Signal::Came(Box::new(assignment)));
            }
            None => self.rest(again, ctx),
        }
    }

    /// The other parts have followed the document that came, or ignored it.
    pub(super) fn on_followed(&mut self, ctx: &mut Context) {
        if let Phase::Came { again } = self.phase {
            self.rest(again, ctx);
        }
    }

    /// Ends a read, and starts another one if the document should be read once more.
    fn rest(&mut self, again: bool, ctx: &mut Context) {
        self.phase = Phase::AtRest;
        if again {
            self.read(ctx);
        }
    }

    /// The document in an answer; `None` if the read failed, or if there is none that can be
    /// decoded.
    fn assignment(&mut self, answer: Answered<op::Doc>, ctx: &mut Context) -> Option<Assignment> {
        let found = answer.ok().flatten()?;
        let assignment = Assignment::decode(&found.body);
        if assignment.is_none() {
            self.tell_unreadable(found, ctx);
        }
        assignment
    }

    /// Reports once for each version that the document cannot be decoded. The session goes on with
    /// what it holds.
    fn tell_unreadable(&mut self, found: Document, ctx: &mut Context) {
        if self.unreadable != Some(found.version) {
            self.unreadable = Some(found.version);
            ctx.notify(Notice::Unreadable(found.name, Assignment::EXPECTED.to_owned()));
        }
    }

    /// The meaning of a document to this session, which has seen the versions up to `seen`.
    pub(super) fn meaning_of(&self, assignment: &Assignment, seen: PlanVersion) -> Meaning {
        if assignment.session != self.me {
            Meaning::OfAnotherLife
        } else if is_newer(assignment.version, seen) {
            Meaning::New
        } else {
            Meaning::Old
        }
    }
}

/// Whether a document is newer than another. One of a later term is newer, whatever its number.
fn is_newer(version: PlanVersion, seen: PlanVersion) -> bool {
    if planted!(TermNotCompared) { version.version > seen.version } else { version > seen }
}
