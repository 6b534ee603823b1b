//! Which part hears of what.

use std::time::Duration;

use super::{
    Coordinator, ask,
    call::StoreOutcome,
    command::{LossReason, Notice, Outcome},
    context::Purpose,
    event::Event,
    handoff,
    leaving::{Facts, Next, PlannerFacts},
    member,
    planner::{self, Planner},
    succession, watch,
};
use crate::{
    lease::{EndReason, Epoch},
    settings::InitialPosition,
    store::Consistency,
    stream::{SourceErrorKind, StreamDescription},
};

/// By how much a stream's clock may be behind when it is heard of: it may be told to the second.
const NEARLY: Duration = Duration::from_secs(5);

impl Coordinator {
    pub(super) fn route(&mut self, event: Event) {
        match event {
            Event::Tick => {}
            Event::Store(id, outcome) => {
                if let Some(purpose) = self.ctx.take_purpose(id) {
                    self.route_reply(purpose, outcome);
                }
            }
            Event::Described(id, result) => {
                if self.ctx.take_purpose(id).is_some() {
                    self.on_described(result);
                }
            }
            Event::Shards(id, result) => {
                let planner = self.ctx.take_purpose(id).and(self.planner.as_mut());
                if let Some(planner) = planner {
                    planner.on_shards(result, &mut self.ctx);
                }
            }
            Event::Run(news) => self.handoff.on_run(news, &mut self.ctx),
            Event::Woken => {
                for signal in self.member.on_push() {
                    self.on_member(signal);
                }
            }
            Event::Pushes(pushes) => {
                self.ctx.pushes = pushes;
                self.member.on_pushes(&self.ctx);
            }
            Event::Leave => self.start_leaving(),
        }
    }

    fn route_reply(&mut self, purpose: Purpose, outcome: StoreOutcome) {
        let ctx = &mut self.ctx;
        match purpose {
            Purpose::Member(ask) => {
                let answer = ask.answered(outcome);
                let beat = matches!(answer, member::ask::Answer::Beat(_, Ok(_)));
                self.member.on_answer(answer, ctx);
                if beat {
                    self.watch.on_own_beat(ctx);
                    self.handoff.on_beat(ctx);
                    self.give_start_back();
                }
            }
            Purpose::Handoff(ask) => self.handoff.on_answer(ask.answered(outcome), ctx),
            Purpose::Watch(ask) => self.watch.on_answer(ask.answered(outcome), ctx),
            Purpose::Succession(ask) => {
                self.succession.on_answer(ask.answered(outcome), &mut self.watch, ctx);
            }
            Purpose::Planner(ask) => {
                if let Some(planner) = &mut self.planner {
                    planner.on_answer(ask.answered(outcome), ctx);
                }
            }
            Purpose::Own(ask) => match ask.answered(outcome) {
                ask::Answer::MyDocument(answer) => self.on_document(answer),
                ask::Answer::GiveStartBack(doubt, answer) => {
                    ctx.start.on_given_back(doubt, answer);
                }
            },
            Purpose::Describe | Purpose::Shards | Purpose::Nobody => {}
        }
    }

    /// Lets every part hear what the others have to say, until nobody has anything to say.
    pub(super) fn settle(&mut self) {
        loop {
            self.share_validity();
            let mut quiet = true;
            for signal in self.member.take_signals() {
                quiet = false;
                self.on_member(signal);
                self.share_validity();
            }
            // Taking nothing would make their deadlines forgotten.
            if self.handoff.has_signals() {
                quiet = false;
                for signal in self.handoff.take_signals() {
                    self.on_handoff(&signal);
                }
            }
            if self.watch.has_signals() {
                quiet = false;
                for signal in self.watch.take_signals() {
                    self.on_watch(signal);
                }
            }
            for signal in self.succession.take_signals() {
                quiet = false;
                self.on_succession(&signal);
            }
            for signal in self.planner.as_mut().map(Planner::take_signals).unwrap_or_default() {
                quiet = false;
                self.on_planner(signal);
            }
            self.go_on_leaving();
            if quiet || self.over {
                return;
            }
        }
    }

    fn start_leaving(&mut self) {
        if self.leaving.is_under_way() {
            return;
        }
        let (now, grace) = (self.ctx.now, self.ctx.settings.shutdown_grace);
        self.leaving.start(now, grace);
        if !self.member.is_live() {
            let next = self.leaving.go();
            return self.take_leave(next);
        }
        self.member.start_leaving(&mut self.ctx);
        self.handoff.start_leaving(now + grace);
        self.succession.start_leaving();
        if let Some(planner) = &mut self.planner {
            planner.plan_soon(&self.ctx);
        } else if let Some(planner) = self.succession.planner().cloned() {
            self.ctx.wake(&planner);
            self.document.poll_at = now + self.ctx.settings.fast_poll;
        }
        if planted!(BreaksBeforeMake) {
            self.handoff.drain_all(&mut self.ctx);
        }
        if planted!(PlannerLeavesFirst) {
            self.succession.step_down(&mut self.ctx);
        }
    }

    /// Does whatever the leaving waits for, if it can be done now.
    fn go_on_leaving(&mut self) {
        while !self.over {
            let planner = self.planner.as_ref().map(|planner| PlannerFacts {
                standby_knows: planner.standby_knows(),
                has_successors: planner.has_successors(),
            });
            let facts = Facts {
                now: self.ctx.now,
                is_live: self.member.is_live(),
                holds_any: !self.handoff.is_empty(),
                planner,
                watch_interval: self.ctx.settings.watch_interval,
                heartbeat_interval: self.ctx.settings.heartbeat_interval,
            };
            let next = self.leaving.next(facts);
            if next.is_none() {
                return;
            }
            self.take_leave(next);
        }
    }

    fn take_leave(&mut self, next: Option<Next>) {
        let ctx = &mut self.ctx;
        match next {
            Some(Next::List) => self.watch.list(Consistency::Strong, ctx),
            Some(Next::DrainAll) => self.handoff.drain_all(ctx),
            Some(Next::DropAll) => self.handoff.drop_all(ctx),
            Some(Next::StepDown) => self.succession.step_down(ctx),
            Some(Next::EndSession) => self.member.leave(ctx),
            Some(Next::Finish) => self.finish(Outcome::Left),
            None => {}
        }
    }

    /// The planner's lease is free: whoever is to take it is told to look.
    fn on_stepped_down(&mut self) {
        if let Some(planner) = &self.planner {
            let standby = planner.standbys().first.clone().filter(|_| planner.standby_knows());
            for id in standby.map_or_else(|| planner.others(), |id| vec![id]) {
                self.ctx.wake(&id);
            }
        }
        let next = self.leaving.go();
        self.take_leave(next);
    }

    fn share_validity(&mut self) {
        let valid = self.member.is_valid(self.ctx.now);
        if self.handoff.is_valid() != valid {
            self.handoff.set_valid(valid);
        }
        self.succession.set_valid(valid);
        if let Some(planner) = &mut self.planner {
            planner.set_valid(valid);
            planner.on_own(self.member.news(), || self.member.row(), &mut self.ctx);
        }
    }

    fn on_member(&mut self, signal: member::Signal) {
        match signal {
            member::Signal::Joined => {
                self.joined_at = self.ctx.now;
                self.ctx.notify(Notice::Registered(self.member.id().clone()));
                self.succession.look_now(&self.ctx);
                self.document.poll_at = self.ctx.now;
                self.handoff.take_up(&mut self.ctx);
                self.give_start_back();
            }
            member::Signal::Woken => {
                sometimes!(Woken);
                self.on_woken();
            }
            member::Signal::Lapsed => {
                self.handoff.on_lapse(&mut self.ctx);
                self.ctx.notify(Notice::Lapsed);
            }
            member::Signal::Revived => {
                let held = self.handoff.held().count();
                self.ctx.notify(Notice::Revived(held));
                self.handoff.revalidate(&mut self.ctx);
                self.succession.look_now(&self.ctx);
            }
            member::Signal::Unheard if self.leaving.is_under_way() => self.finish(Outcome::Left),
            member::Signal::Unheard => self.start_anew(Duration::ZERO),
            member::Signal::Fenced(reason) => self.on_fenced(reason),
            member::Signal::WentBack => {
                sometimes!(StoreWentBack);
                self.ctx.notify(Notice::StoreWentBack);
                self.doubt_start();
                self.handoff.on_store_went_back(&mut self.ctx);
                self.watch.on_store_went_back(&self.ctx);
                self.succession.look_now(&self.ctx);
                if let Some(planner) = &mut self.planner {
                    planner.on_store_went_back(&self.ctx);
                }
                self.give_start_back();
            }
            member::Signal::Reopened => {
                let pause = self.ctx.rng.span(self.ctx.settings.heartbeat_interval);
                self.start_anew(pause);
            }
            member::Signal::OtherStream { reads, wanted } => {
                self.handoff.lose_all(LossReason::Leaving, &mut self.ctx);
                self.stop_planning();
                self.finish(Outcome::OtherStream { reads, wanted });
            }
            member::Signal::Vanished => self.on_vanished(),
            member::Signal::Left => self.finish(Outcome::Left),
            member::Signal::Duplicate => self.on_duplicate(),
        }
    }

    /// The stream was described, or could not be.
    fn on_described(&mut self, result: Result<StreamDescription, SourceErrorKind>) {
        if let Err(kind) = result {
            self.ctx.notify(Notice::StreamTrouble(kind));
        }
        let now = self.ctx.now;
        let changed = self.ctx.reads.on_described(result, now);
        if self.member.is_describing() && self.is_start_ahead() {
            return;
        }
        self.member.on_described(&mut self.ctx);
        if changed {
            self.handoff.hurry(&mut self.ctx);
        }
    }

    /// Whether reading is to start at a time that is still to come, by the stream's own clock. If
    /// that is told to the second only, the time may have come in truth: it is asked for again.
    fn is_start_ahead(&mut self) -> bool {
        let InitialPosition::AtTimestamp(at) = self.ctx.settings.initial_position else {
            return false;
        };
        let Some(now) = self.ctx.reads.known().map(|known| known.server_time) else {
            return false;
        };
        let ahead = at.since(now);
        if ahead > NEARLY {
            self.finish(Outcome::StartAhead { at, now });
        } else if !ahead.is_zero() {
            self.ctx.reads.ask_again_at(self.ctx.now + ahead);
        }
        !ahead.is_zero()
    }

    /// Somebody wants this worker to look: at its document, at leases released to it, and as the
    /// planner at the sessions.
    fn on_woken(&mut self) {
        self.handoff.hurry(&mut self.ctx);
        if self.planner.is_some() {
            self.watch.list(Consistency::Strong, &mut self.ctx);
        } else {
            self.read_document();
            self.succession.look_now(&self.ctx);
        }
    }

    fn on_fenced(&mut self, reason: EndReason) {
        let id = self.member.id().clone();
        self.ctx.notify(Notice::Fenced(id, reason));
        self.doubt_start();
        if !planted!(FencedGoesOn) {
            self.handoff.lose_all(LossReason::Fenced, &mut self.ctx);
        }
        self.stop_planning();
        match reason {
            EndReason::Replaced => self.on_duplicate(),
            _ if self.leaving.is_under_way() => self.finish(Outcome::Left),
            _ => self.rejoin(),
        }
    }

    /// The store lost everything, this session with it. What the session held it gives back at
    /// once, at the checkpoints it knows, before anybody makes it anew at the frozen start; its
    /// next life takes it up.
    fn on_vanished(&mut self) {
        sometimes!(SessionLost);
        self.ctx.notify(Notice::StoreWentBack);
        self.doubt_start();
        self.handoff.give_back(&mut self.ctx);
        // Owners put their rows again before a plan makes them anew.
        self.others_known_at = self.ctx.now + self.ctx.settings.session_timeout;
        self.handoff.lose_all(LossReason::Gone, &mut self.ctx);
        self.stop_planning();
        if self.leaving.is_under_way() {
            self.finish(Outcome::Left);
        } else {
            // Nobody fenced this life: another session of its id is no newer for that.
            let pause = self.ctx.rng.span(self.ctx.settings.heartbeat_interval);
            self.start_anew(pause);
        }
    }

    fn on_duplicate(&mut self) {
        self.handoff.lose_all(LossReason::Fenced, &mut self.ctx);
        self.stop_planning();
        let worker = self.member.id().worker.clone();
        self.ctx.notify(Notice::DuplicateWorkerId(self.member.id().clone()));
        self.finish(Outcome::Duplicate(worker));
    }

    /// The store went back in time, or has lost this session's row: it may have lost the start,
    /// too. Whoever else knows it has heard of that within two heartbeats.
    fn doubt_start(&mut self) {
        let timeout = self.ctx.settings.session_timeout;
        self.ctx.start.doubt(self.ctx.now + timeout);
    }

    fn on_handoff(&mut self, signal: &handoff::Signal) {
        match signal {
            handoff::Signal::Changed => {
                self.member.has_changed_leases();
                self.member.beat_now(&mut self.ctx);
            }
            handoff::Signal::Conflict => self.member.has_met_conflict(),
        }
    }

    fn on_watch(&mut self, signal: watch::Signal) {
        let ctx = &mut self.ctx;
        match signal {
            watch::Signal::Listed(rows, how) => {
                self.member.has_watched(ctx.now);
                for row in &rows {
                    self.succession.on_seen(row, &mut self.watch, ctx);
                }
                if let Some(planner) = &mut self.planner {
                    planner.on_listed(&rows, ctx);
                }
                if how == Consistency::Strong {
                    self.leaving.on_listed(&rows, self.member.id(), ctx.reads.name());
                }
            }
            watch::Signal::Ended(id, mine) => {
                self.succession.on_ended(&id, ctx);
                if let Some(planner) = &mut self.planner {
                    planner.on_ended(&id, ctx);
                } else if let Some(planner) = self.succession.planner().filter(|p| **p != id)
                    && mine
                {
                    ctx.wake(&planner.clone());
                }
            }
            watch::Signal::Seen(row) => {
                self.succession.on_seen(&row, &mut self.watch, ctx);
                if let Some(planner) = &mut self.planner {
                    planner.on_seen(&row, ctx);
                }
            }
        }
    }

    fn on_succession(&mut self, signal: &succession::Signal) {
        match signal {
            succession::Signal::Elected(term) => self.start_planning(*term),
            succession::Signal::Deposed => {
                self.stop_planning();
                self.read_document();
            }
            succession::Signal::Follows(planner) => {
                // The planner is known from its lease before any document: it is told of me.
                if !self.has_own_document() {
                    self.ctx.wake(planner);
                }
            }
            succession::Signal::SteppedDown => self.on_stepped_down(),
        }
    }

    fn start_planning(&mut self, term: Epoch) {
        let ctx = &mut self.ctx;
        // Workers that start together are planned for together.
        let gathered = self.joined_at + ctx.settings.join_gather;
        let first = ctx.now.max(gathered).max(self.others_known_at);
        let me = self.member.id().clone();
        let standbys = self.succession.standbys().clone();
        self.planner = Some(Planner::new(me, term, first, standbys, ctx));
        self.watch.watch_all_from(ctx.now);
        if planted!(WindowsOpenedAnew) {
            self.watch.forget_windows();
        }
        ctx.notify(Notice::Planning(term));
    }

    fn stop_planning(&mut self) {
        if let Some(term) = self.drop_planner() {
            self.watch.watch_heads(Vec::new());
            self.ctx.notify(Notice::StoppedPlanning(term));
        }
    }

    /// Forgets what was planned.
    pub(super) fn drop_planner(&mut self) -> Option<Epoch> {
        let planner = self.planner.take()?;
        if !planted!(AnswersOutliveTheirPlan) {
            self.ctx.forget_planner_calls();
        }
        Some(planner.term())
    }

    fn on_planner(&mut self, signal: planner::Signal) {
        match signal {
            planner::Signal::Mine(assignment) => self.follow(*assignment),
            planner::Signal::Outranked => self.succession.depose(&mut self.ctx),
            planner::Signal::Unsure => self.member.beat_now(&mut self.ctx),
        }
        if let Some(planner) = &self.planner {
            self.succession.name_standbys(planner.standbys(), self.ctx.now);
        }
    }
}
