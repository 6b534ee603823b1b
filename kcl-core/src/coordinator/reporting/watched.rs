//! Whether somebody watches the fleet: then each beat is followed by a report.
//!
//! | phase | when | then it is | and there is asked |
//! |---|---|---|---|
//! | any | the worker is woken, which may mean that somebody watches | the same | the document `watch` |
//! | any | it is there, in another version than before | watched, for as long as it says | – |
//! | any | it is met for the first time, and is of long ago | the same | – |
//! | watched | ten seconds after it was read | watched | the document again |
//! | watched | its time is over, with no other version | not watched | – |
//!
//! So an application that nobody watches pays for one small read with each wake-up, and no other.

use super::request;
use crate::{
    coordinator::{
        context::Context,
        op::{self, Answered},
    },
    env::Time,
    lease::{DocName, report::Watch},
};

/// Whether somebody watches.
#[derive(Debug, Default)]
pub(super) struct Watched {
    /// Until when, and when that is looked at again.
    until: Option<Time>,
    look_at: Option<Time>,
    /// The version that was met last.
    version: Option<u64>,
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

    /// Looks whether somebody watches, unless that is being done.
    pub(super) fn look(&mut self, ctx: &mut Context) {
        self.look_at = None;
        if !std::mem::replace(&mut self.busy, true) {
            ctx.ask(op::Doc(DocName::watch()), request::Watch);
        }
    }

    /// It was looked for. Whether somebody watches from now on who did not before.
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
