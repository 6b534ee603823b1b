//! Whether somebody watches the fleet: while somebody does, each beat is followed by a report.
//!
//! | phase | when | then it is | request to the store |
//! |---|---|---|---|
//! | any | the worker is woken, which may mean that somebody watches | the same | read the document `watch` |
//! | any | it has another version than before | watched, for as long as it says | – |
//! | any | it is read for the first time, and its time is over | the same | – |
//! | watched | ten seconds after it was read | watched | read the document again |
//! | watched | its time is over, and no other version came | not watched | – |
//!
//! So an application that nobody watches pays one small read for each wake-up, and nothing else.

use super::request;
use crate::{
    coordinator::{
        context::Context,
        op::{self, Answered},
    },
    env::Time,
    lease::{DocName, report::Watch},
};

/// Whether somebody watches the fleet: see the module.
#[derive(Debug, Default)]
pub(super) struct Watched {
    /// Until when somebody watches; `None` if nobody ever did.
    until: Option<Time>,
    /// When the document is read next.
    look_at: Option<Time>,
    /// The last version that was read.
    version: Option<u64>,
    /// Whether a read is under way.
    busy: bool,
}

impl Watched {
    pub(super) fn is_watched(&self, now: Time) -> bool {
        self.until.is_some_and(|until| now < until)
    }

    pub(super) fn next_wake(&self) -> Time {
        self.look_at.unwrap_or(Time::NEVER)
    }

    pub(super) fn on_tick(&mut self, ctx: &mut Context) {
        if self.look_at.is_some_and(|at| at <= ctx.now) {
            self.look(ctx);
        }
    }

    /// Reads `watch`, unless a read is under way.
    pub(super) fn look(&mut self, ctx: &mut Context) {
        self.look_at = None;
        if !std::mem::replace(&mut self.busy, true) {
            ctx.ask(op::Doc(DocName::watch()), request::Watch);
        }
    }

    /// The document was read. Whether somebody watches from now on, and nobody did before.
    pub(super) fn on_found(&mut self, answer: Answered<op::Doc>, ctx: &Context) -> bool {
        self.busy = false;
        let was_watched = self.is_watched(ctx.now);
        if let Ok(Some(document)) = answer
            && self.version != Some(document.version)
            && let Some(watch) = Watch::decode(&document.body)
        {
            let is_first = self.version.replace(document.version).is_none();
            if !is_first || !watch.is_past(ctx.epochs.store_time(ctx.now)) {
                self.until = Some(ctx.now + watch.lasts);
            }
        }
        let is_watched = self.is_watched(ctx.now);
        self.look_at = is_watched.then_some(ctx.now + Watch::RENEWED_EVERY);
        is_watched && !was_watched
    }
}
