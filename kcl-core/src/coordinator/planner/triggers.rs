//! What makes the planner plan again.

use super::{Planner, cycle::Sync, fleet::News, signal::Signal};
use crate::{
    coordinator::context::Context,
    lease::{Report, Session, SessionId},
};

impl Planner {
    /// All sessions were read.
    pub(in crate::coordinator) fn on_listed(&mut self, rows: &[Session], ctx: &mut Context) {
        for row in rows {
            self.on_seen(row, ctx);
        }
    }

    /// A session was seen.
    pub(in crate::coordinator) fn on_seen(&mut self, row: &Session, ctx: &mut Context) {
        let news = self.fleet.observe(row, ctx.now);
        self.react(news, ctx);
        if row.report.seen.term > self.term && !planted!(HigherTermOverwritten) {
            sometimes!(Outranked);
            // It has seen the document of a newer planner.
            ctx.signal(Signal::Outranked);
        } else if row.report.seen.term == self.term && row.report.seen.version > self.version {
            // It echoes what this planner did not write: its own earlier writing, lost by a store
            // that went back. A rewrite answers.
            self.version = row.report.seen.version;
            self.rewrite_all(ctx);
        }
    }

    /// The planner's own session, which is seen at every event. Nothing is to be learnt of it until
    /// it has news, or the planner has forgotten what it saw.
    pub(in crate::coordinator) fn on_own(
        &mut self,
        news: (u64, Report, bool),
        row: impl FnOnce() -> Session,
        ctx: &mut Context,
    ) {
        if self.fleet.is_news_of_own(news) {
            self.on_seen(&row(), ctx);
        }
    }

    /// A session has ended.
    pub(in crate::coordinator) fn on_ended(&mut self, id: &SessionId, ctx: &mut Context) {
        let news = self.fleet.remove(id);
        self.react(news, ctx);
    }

    fn react(&mut self, news: News, ctx: &Context) {
        match news {
            News::None => {}
            News::Joined if planted!(JoinsNotGathered) => self.plan_soon(ctx),
            News::Joined => {
                self.plan_at = self.plan_at.min(ctx.now + ctx.settings.join_gather);
            }
            News::Urgent => self.plan_soon(ctx),
        }
    }

    /// The store may have lost its last writes: what was published, the rules, and even the ends of
    /// sessions. A plan in the making rests on what was read before.
    pub(in crate::coordinator) fn on_store_went_back(&mut self, ctx: &Context) {
        self.fleet.forget_rows();
        if !planted!(PlanOutlivesItsStore) {
            self.give_up_cycle();
        }
        self.rules_due = true;
        self.rewrite_all(ctx);
    }

    fn rewrite_all(&mut self, ctx: &Context) {
        for desk in self.desks.values_mut() {
            desk.stored = None;
            desk.published = None;
            desk.wanted = None;
        }
        self.sync = Sync::Wanted;
        self.plan_soon(ctx);
    }
}
