//! Sets the deadlines of the watch: when to read all sessions, when to read one, when to end one.

use super::{FenceHold, Watch, due::Due, window::Terms};
use crate::{
    coordinator::{context::Context, deadlines},
    env::Time,
    lease::SessionId,
};

impl Watch {
    /// Sets the deadline of the next reading of all sessions, and those of each session that was
    /// touched.
    pub(in crate::coordinator) fn tell_deadlines(&mut self, ctx: &mut Context) {
        let terms = self.terms(ctx);
        if self.told != Some(terms) {
            self.told = Some(terms);
            self.windows.touch_all();
        }
        let (due, at) = self.list_deadline();
        ctx.deadlines.set(due, at);
        for id in self.windows.take_touched() {
            for (due, at) in self.deadlines_of(&id, terms) {
                ctx.deadlines.set(due, at);
            }
        }
    }

    /// The common terms of the sessions' deadlines, as they are now.
    fn terms(&self, ctx: &Context) -> Terms {
        let not_before = match self.hold {
            FenceHold::Until(at) => at,
            _ => Time::ZERO,
        };
        Terms {
            pace: self.pace(ctx),
            judges: self.is_well(ctx) && self.may_judge(ctx),
            not_before,
            unbroken_since: self.health.unbroken_since(),
        }
    }

    fn list_deadline(&self) -> (deadlines::Due, Time) {
        let at = if self.listing { Time::NEVER } else { self.list_at.min(self.relist_at) };
        (deadlines::Due::Watch(Due::List), at)
    }

    /// The next read of a session's row, and its end. [`Time::NEVER`] for an end while this watcher
    /// may not end sessions.
    fn deadlines_of(&self, id: &SessionId, terms: Terms) -> [(deadlines::Due, Time); 2] {
        let window = self.windows.get(id);
        let look = window.map_or(Time::NEVER, |window| window.next_look(terms.pace));
        let judged = window.filter(|window| terms.judges && !window.fencing);
        let end = judged.map(|window| window.due_at(&self.health).max(terms.not_before));
        [(Due::Look(id.clone()), look), (Due::End(id.clone()), end.unwrap_or(Time::NEVER))]
            .map(|(due, at)| (deadlines::Due::Watch(due), at))
    }

    /// All deadlines, for the comparison of a debug build.
    #[cfg(debug_assertions)]
    pub(in crate::coordinator) fn deadlines(
        &self,
        ctx: &Context,
    ) -> impl Iterator<Item = (deadlines::Due, Time)> {
        let terms = self.terms(ctx);
        let windows = self.windows.keys().flat_map(move |id| self.deadlines_of(id, terms));
        windows.chain([self.list_deadline()])
    }
}
