//! Telling the fleet how heavy my leases are: one document, apart from checkpoints and beats.
//!
//! It is written where leases are shared out by load, and only when it says something else than
//! before: a fleet whose loads stay as they are pays for a write in five minutes.
//!
//! | phase | when | then it is | and there is asked |
//! |---|---|---|---|
//! | waiting | due, the session live | measuring | the worker, for its loads |
//! | measuring | much as told lately | waiting | – |
//! | measuring | news, and the document's version is known | writing | the document to be put over that version |
//! | measuring | news, and the version is not known | looking | the document |
//! | looking | it is there, or there is none | writing | the document to be put |
//! | looking, writing | answered, or not | waiting | – |

pub(super) mod ask;

use std::time::Duration;

use self::ask::Answer;
use super::{
    command::Command,
    context::Context,
    op::{self, Answered},
};
use crate::{
    assignment::Balance,
    env::Time,
    lease::{DocName, LoadReport, PutDoc, WorkerId, Write},
};

/// The time between two looks at the loads.
pub(super) const EVERY: Duration = Duration::from_secs(30);
/// A document that still holds is written again after this time: a store may have lost it.
const AGAIN: Duration = Duration::from_secs(300);

/// The report of one session.
#[derive(Debug, Default)]
pub(super) struct Reporting {
    /// When the loads are looked at next; `None` before the session lives.
    due_at: Option<Time>,
    phase: Phase,
    /// The version of the document, once it is known; `Some(None)`: there is none.
    stored: Option<Option<u64>>,
    /// What was told last, and when.
    told: Option<(LoadReport, Time)>,
}

#[derive(Debug, Default)]
enum Phase {
    #[default]
    Waiting,
    Measuring,
    Looking(LoadReport),
    Writing(LoadReport),
}

impl Reporting {
    /// Whether loads are told of: only a plan by load asks for them.
    pub(super) const fn is_wanted(ctx: &Context) -> bool {
        matches!(ctx.settings.balance, Balance::Weighted(_))
    }

    pub(super) fn next_wake(&self) -> Time {
        match self.phase {
            Phase::Waiting => self.due_at.unwrap_or(Time::NEVER),
            _ => Time::NEVER,
        }
    }

    pub(super) fn on_tick(&mut self, live: bool, ctx: &mut Context) {
        if !live || !Self::is_wanted(ctx) {
            self.due_at = None;
            return;
        }
        let due = *self.due_at.get_or_insert(ctx.now + EVERY);
        if matches!(self.phase, Phase::Waiting) && due <= ctx.now {
            self.phase = Phase::Measuring;
            self.due_at = Some(ctx.now + EVERY);
            ctx.push(Command::Measure);
        }
    }

    /// The loads were measured.
    pub(super) fn on_loads(&mut self, loads: LoadReport, me: &WorkerId, ctx: &mut Context) {
        if !matches!(self.phase, Phase::Measuring) {
            return;
        }
        let holds =
            |(told, at): &(LoadReport, Time)| ctx.now < *at + AGAIN && told.is_much_like(&loads);
        if self.told.as_ref().is_some_and(holds) {
            self.phase = Phase::Waiting;
        } else if let Some(seen) = self.stored {
            self.put(seen, loads, me, ctx);
        } else {
            self.phase = Phase::Looking(loads);
            ctx.ask(op::Doc(DocName::report(me)), ask::Look);
        }
    }

    fn put(&mut self, seen: Option<u64>, loads: LoadReport, me: &WorkerId, ctx: &mut Context) {
        let put = PutDoc::new(DocName::report(me), seen, loads.encode());
        self.phase = Phase::Writing(loads);
        ctx.ask(op::PutDoc(put), ask::Put);
    }

    /// The store answered.
    pub(super) fn on_answer(&mut self, answer: Answer, me: &WorkerId, ctx: &mut Context) {
        match answer {
            Answer::Look(found) => self.on_found(found, me, ctx),
            Answer::Put(written) => self.on_put(written, ctx),
        }
    }

    /// My document was looked for.
    fn on_found(&mut self, answer: Answered<op::Doc>, me: &WorkerId, ctx: &mut Context) {
        if let (Ok(found), Phase::Looking(loads)) = (answer, std::mem::take(&mut self.phase)) {
            self.put(found.map(|doc| doc.version), loads, me, ctx);
        }
    }

    /// My document was written, or not: then at the next time.
    fn on_put(&mut self, answer: Answered<op::PutDoc>, ctx: &Context) {
        let phase = std::mem::take(&mut self.phase);
        self.told = None;
        self.stored = match (answer, phase) {
            (Ok(Write::Done(doc)), Phase::Writing(loads)) => {
                self.told = Some((loads, ctx.now));
                Some(Some(doc.version))
            }
            // It was lost, or is a former life's: what is there is written over next time.
            (Ok(Write::Refused(found)), _) => Some(found.map(|doc| doc.version)),
            // It may have been written.
            _ => None,
        };
    }
}

#[cfg(test)]
mod tests;
