//! Hands each event of the keeper to the part that it belongs to.
//!
//! The outcome of a call goes to the part that made it: the `Context` remembers the request by the
//! number of the call. An outcome that no request waits for, since its session or its planner is
//! over, is ignored.

use std::time::Duration;

use super::{
    Coordinator,
    call::StoreOutcome,
    command::{Notice, Outcome},
    context::ReplyTo,
    event::Event,
    member, reporting, start,
};
use crate::{
    settings::InitialPosition,
    stream::{SourceErrorKind, StreamDescription, StreamName},
};

/// A stream's clock may be this much later than the description says: a source may know it to the
/// second only.
const NEARLY: Duration = Duration::from_secs(5);

impl Coordinator {
    /// Hands an event to its part. An outcome without a request is ignored.
    pub(super) fn route(&mut self, event: Event) {
        match event {
            Event::Tick => {}
            Event::Store(id, outcome) => {
                if let Some(purpose) = self.ctx.take_purpose(id) {
                    self.route_reply(purpose, outcome);
                }
            }
            Event::Described(id, result) => {
                if let Some(ReplyTo::Describe(of)) = self.ctx.take_purpose(id) {
                    self.on_described(of, result);
                }
            }
            Event::Shards(id, result) => {
                if let Some(ReplyTo::Shards(of)) = self.ctx.take_purpose(id)
                    && let Some(planner) = &mut self.planner
                {
                    planner.on_shards(&of, result, &mut self.ctx);
                }
            }
            Event::Run(news) => self.handoff.on_run(news, &mut self.ctx),
            Event::Measured(report) => {
                let (beat, late) = (self.member.news().0, self.member.late());
                let mine = reporting::Mine { session: self.member.id(), beat, late };
                self.reporting.on_measured(report, mine, &mut self.ctx);
            }
            Event::News => self.reporting.on_news(self.ctx.now),
            Event::Woken => self.member.on_push(&mut self.ctx),
            Event::Pushes(pushes) => {
                self.ctx.pushes = pushes;
                self.member.on_pushes(&self.ctx);
            }
            Event::Leave => self.start_leaving(),
        }
    }

    /// Hands the outcome of a call to the part that made it. An answered beat also goes to the
    /// parts that act after each beat.
    fn route_reply(&mut self, purpose: ReplyTo, outcome: StoreOutcome) {
        let ctx = &mut self.ctx;
        match purpose {
            ReplyTo::Member(ask) => {
                let answer = ask.answered(outcome);
                let beat = matches!(answer, member::request::Reply::Beat(_, Ok(_)));
                self.member.on_answer(answer, ctx);
                if beat {
                    self.watch.on_own_beat(ctx);
                    self.handoff.on_beat(ctx);
                    self.give_starts_back();
                    self.reporting.on_beat(self.ctx.now);
                }
            }
            ReplyTo::Handoff(ask) => self.handoff.on_answer(ask.answered(outcome), ctx),
            ReplyTo::Watch(ask) => self.watch.on_answer(ask.answered(outcome), ctx),
            ReplyTo::Succession(ask) => {
                self.succession.on_answer(ask.answered(outcome), &mut self.watch, ctx);
            }
            ReplyTo::Planner(ask) => {
                if let Some(planner) = &mut self.planner {
                    planner.on_answer(ask.answered(outcome), ctx);
                }
            }
            ReplyTo::Start(ask) => start::on_answer(ask.answered(outcome), ctx),
            ReplyTo::Reporting(ask) => {
                let me = self.member.id();
                self.reporting.on_answer(ask.answered(outcome), me, ctx);
            }
            ReplyTo::Inbox(ask) => self.inbox.on_answer(ask.answered(outcome), ctx),
            ReplyTo::Describe(_) | ReplyTo::Shards(_) | ReplyTo::Nobody => {}
        }
    }

    /// A source described its stream, or failed to.
    fn on_described(
        &mut self,
        of: Option<StreamName>,
        result: Result<StreamDescription, SourceErrorKind>,
    ) {
        if let Err(kind) = result {
            self.ctx.notify(Notice::StreamTrouble(kind));
        }
        let now = self.ctx.now;
        let changed = self.ctx.reads.on_described(of, result, now);
        if self.member.is_describing() && self.is_start_ahead() {
            return;
        }
        self.member.on_described(&mut self.ctx);
        if changed {
            self.handoff.hurry(&mut self.ctx);
        }
    }

    /// Whether the configured start is later than the stream's own clock. By more than [`NEARLY`],
    /// the worker ends; by less, the clock may be past it by now, and the source is asked again.
    fn is_start_ahead(&mut self) -> bool {
        let InitialPosition::AtTimestamp(at) = self.ctx.settings.initial_position else {
            return false;
        };
        let Some(known) = self.ctx.reads.known() else { return false };
        let (of, now) = (known.name.clone(), known.server_time);
        let ahead = at.since(now);
        if ahead > NEARLY {
            self.finish(Outcome::StartAhead { at, now });
        } else if !ahead.is_zero() {
            self.ctx.reads.ask_again_at(&of, self.ctx.now + ahead);
        }
        !ahead.is_zero()
    }
}
