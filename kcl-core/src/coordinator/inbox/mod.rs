//! My assignment document: when it is read, and what it means to this session.
//!
//! It is read when somebody wakes this worker. While the first one, or the order to go, is expected
//! any moment, it is read at the fast pace, too.
//!
//! | phase | when | then | it asks |
//! |---|---|---|---|
//! | at rest | it is to be read | reading | the document |
//! | at rest | it is time to look for it, and somebody else plans | reading | the document |
//! | reading | it is to be read | reading, and once more | – |
//! | reading | it came, and makes sense | came | – |
//! | reading | it makes no sense, there is none, or no answer | at rest | – (the first is told once a version) |
//! | came | it is to be read | came, and once more | – |
//! | came | it was followed | at rest | – |
//! | reading, came | it is to be read once more, and would be at rest | reading | the document |

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

/// How long a new session looks for its first document at the fast pace.
const EAGER_FOR: Duration = Duration::from_secs(5);

/// Reads of my assignment document.
#[derive(Debug)]
pub(super) struct Inbox {
    me: SessionId,
    phase: Phase,
    /// When it is read without having been woken.
    poll_at: Time,
    /// Until then the first one is expected any moment.
    eager_until: Time,
    /// The version that made no sense, once that was told.
    unreadable: Option<u64>,
}

/// How far a read has got; `again`: it is to be read once more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    AtRest,
    Reading { again: bool },
    Came { again: bool },
}

/// What the inbox has to know of the other parts.
#[derive(Clone, Copy, Debug)]
pub(super) struct Facts {
    /// The session lives, and somebody else plans.
    pub(super) is_planned_for: bool,
    /// It follows a document of its own.
    pub(super) follows_one: bool,
    pub(super) is_leaving: bool,
}

/// What a document means to this session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Meaning {
    /// It is to be followed.
    New,
    /// It is no newer than one that was seen.
    Old,
    /// It was written for another life of the worker.
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

    /// The session has joined: its first document is looked for at once.
    pub(super) fn on_joined(&mut self, now: Time) {
        self.poll_at = now;
        self.eager_until = now + EAGER_FOR;
    }

    /// The worker is to leave: the document that says to whom is expected any moment.
    pub(super) fn on_leaving(&mut self, ctx: &Context) {
        self.poll_at = ctx.now + ctx.settings.fast_poll;
    }

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

    /// Whether a document is expected any moment.
    fn is_expected(&self, facts: Facts, now: Time) -> bool {
        self.expects_the_first(facts, now) || facts.is_leaving || planted!(EagerForEver)
    }

    fn expects_the_first(&self, facts: Facts, now: Time) -> bool {
        !facts.follows_one && now < self.eager_until
    }

    /// Reads the document, once more if it is being read.
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

    /// The document that came was followed, or not, as it was worth.
    pub(super) fn on_followed(&mut self, ctx: &mut Context) {
        if let Phase::Came { again } = self.phase {
            self.rest(again, ctx);
        }
    }

    fn rest(&mut self, again: bool, ctx: &mut Context) {
        self.phase = Phase::AtRest;
        if again {
            self.read(ctx);
        }
    }

    fn assignment(&mut self, answer: Answered<op::Doc>, ctx: &mut Context) -> Option<Assignment> {
        let found = answer.ok().flatten()?;
        let assignment = Assignment::decode(&found.body);
        if assignment.is_none() {
            self.tell_unreadable(found, ctx);
        }
        assignment
    }

    /// My document makes no sense: what I hold I go on holding, and it is told once what stands in
    /// the way of more.
    fn tell_unreadable(&mut self, found: Document, ctx: &mut Context) {
        if self.unreadable != Some(found.version) {
            self.unreadable = Some(found.version);
            ctx.notify(Notice::Unreadable(found.name, Assignment::EXPECTED.to_owned()));
        }
    }

    /// What a document means to this session, which has seen those up to `seen`.
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

/// Whether a document comes after another: that of a later term does, whatever its number.
fn is_newer(version: PlanVersion, seen: PlanVersion) -> bool {
    if planted!(TermNotCompared) { version.version > seen.version } else { version > seen }
}
