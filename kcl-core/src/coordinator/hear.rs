//! Which part reacts to which signal.
//!
//! When something happens to a part, it queues a signal; it does not call the parts that react to
//! it. (The one exception: `succession` and `planner` order reads from `watch`.)
//! [`Coordinator::settle`] delivers the signals in the order in which they were queued, each after
//! the part that queued it has returned. So this file shows all reactions to an event such as a
//! fence.

use std::time::Duration;

use super::{
    Coordinator,
    command::{LossReason, Notice, Outcome},
    document::Assignment,
    handoff::signal as handoff,
    inbox::{Meaning, signal as inbox},
    leaving::{Facts, Next, PlannerFacts},
    member::signal as member,
    planner::{Planner, signal as planner},
    signal::Signal,
    succession::signal as succession,
    watch::signal as watch,
};
use crate::{
    lease::{EndReason, Epoch},
    store::Consistency,
};

impl Coordinator {
    /// Delivers all signals in their order, and those that they cause in turn. When none is left,
    /// takes the next step of leaving, if the worker leaves.
    pub(super) fn settle(&mut self) {
        while !self.over {
            self.share_validity();
            if let Some(signal) = self.ctx.next_signal() {
                self.hear(signal);
            } else if !self.go_on_leaving() {
                return;
            }
        }
    }

    /// Hands a signal to the function that lists the reactions of all parts to it.
    fn hear(&mut self, signal: Signal) {
        match signal {
            Signal::Member(signal) => self.on_member(signal),
            Signal::Handoff(signal) => self.on_handoff(&signal),
            Signal::Watch(signal) => self.on_watch(signal),
            Signal::Succession(signal) => self.on_succession(&signal),
            Signal::Planner(signal) => self.on_planner(signal),
            Signal::Inbox(inbox::Signal::Came(assignment)) => {
                self.follow(*assignment);
                self.inbox.on_followed(&mut self.ctx);
            }
        }
    }

    /// Hands the session's validity and its own row on before each signal, so that no part uses
    /// outdated ones.
    fn share_validity(&mut self) {
        self.ctx.valid = self.member.is_valid(self.ctx.now);
        if let Some(planner) = &mut self.planner {
            planner.on_own(self.member.news(), || self.member.row(), &mut self.ctx);
        }
    }

    /// Reacts to what happened to this worker's session:
    ///
    /// - it joined: the other parts start to work;
    /// - it was woken: see [`Self::on_woken`];
    /// - it lapsed: runs are suspended; it revived: the rows of their leases are read first;
    /// - it was fenced, lost by the store, or never heard of: this session is given up, and another
    ///   one joins unless the worker leaves;
    /// - the store went back in time: every part doubts its knowledge (PROTOCOL rule 13);
    /// - the application is open again, or reads another stream, or the session left or gave way.
    fn on_member(&mut self, signal: member::Signal) {
        match signal {
            member::Signal::Joined => {
                self.joined_at = self.ctx.now;
                self.ctx.notify(Notice::Registered(self.member.id().clone()));
                self.succession.look_now(&self.ctx);
                self.inbox.on_joined(self.ctx.now);
                self.handoff.take_up(&mut self.ctx);
                self.give_starts_back();
            }
            member::Signal::Woken => {
                sometimes!(Woken);
                self.on_woken();
                self.reporting.on_woken(&mut self.ctx);
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
                self.give_starts_back();
            }
            member::Signal::Reopened => {
                self.handoff.on_reopened();
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

    /// Another session woke this one. It may mean any of these: a new assignment document, a lease
    /// released for this worker, or, for the planner, a new session or new rules. So all are read.
    fn on_woken(&mut self) {
        self.handoff.hurry(&mut self.ctx);
        if let Some(planner) = &mut self.planner {
            planner.on_woken(&mut self.ctx);
            self.watch.list(Consistency::Strong, &mut self.ctx);
        } else {
            self.inbox.read(&mut self.ctx);
            self.succession.look_now(&self.ctx);
        }
    }

    /// Another session ended this one. If it was replaced, the worker stops; if it was leaving, it
    /// is done; else it joins again with a new session.
    fn on_fenced(&mut self, reason: EndReason) {
        let id = self.member.id().clone();
        self.ctx.notify(Notice::Fenced(id, reason));
        self.doubt_start();
        if loses_all_when_fenced() {
            self.handoff.lose_all(LossReason::Fenced, &mut self.ctx);
        }
        self.stop_planning();
        match reason {
            EndReason::Replaced => self.on_duplicate(),
            _ if self.leaving.is_under_way() => self.finish(Outcome::Left),
            _ => self.rejoin(),
        }
    }

    /// The store lost everything, this session's row with it. The session puts the rows of its
    /// leases again at once, at the checkpoints it knows, before a planner makes them anew at the
    /// frozen start. Its next life acquires them.
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
            // Nobody fenced this session, so it does not count as rejoined: another session of its
            // id need not be newer.
            let pause = self.ctx.rng.span(self.ctx.settings.heartbeat_interval);
            self.start_anew(pause);
        }
    }

    /// Another live session uses this worker's id: this worker stops.
    fn on_duplicate(&mut self) {
        self.handoff.lose_all(LossReason::Fenced, &mut self.ctx);
        self.stop_planning();
        let worker = self.member.id().worker.clone();
        self.ctx.notify(Notice::DuplicateWorkerId(self.member.id().clone()));
        self.finish(Outcome::Duplicate(worker));
    }

    /// The store may have lost the frozen starts. Another start may be frozen only a session
    /// timeout later: the other workers learn of the loss within two heartbeats, and put the starts
    /// again.
    fn doubt_start(&mut self) {
        let timeout = self.ctx.settings.session_timeout;
        self.ctx.starts.doubt(self.ctx.now + timeout);
    }

    /// Reacts to changes of this session's leases: its beats tell the planner, which then plans
    /// anew.
    fn on_handoff(&mut self, signal: &handoff::Signal) {
        match signal {
            handoff::Signal::Changed => {
                self.member.has_changed_leases();
                self.member.beat_now(&mut self.ctx);
            }
            handoff::Signal::Conflict => self.member.has_met_conflict(),
        }
    }

    /// Reacts to reads of other sessions: succession, planner and leaving learn from the
    /// rows. A session that fenced another wakes the planner, which hands out the free leases.
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
                self.leaving.on_listed(how, &rows, self.member.id(), ctx.reads.name());
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

    /// Reacts to a new planner: this session becomes the planner, ceases to be it, or learns who it
    /// is.
    fn on_succession(&mut self, signal: &succession::Signal) {
        match signal {
            succession::Signal::Elected(term) => self.start_planning(*term),
            succession::Signal::Deposed => {
                self.stop_planning();
                self.inbox.read(&mut self.ctx);
            }
            succession::Signal::Follows(planner) => {
                // The planner may not know of this session yet: the wake-up makes it list the
                // sessions.
                if self.handoff.assignment().is_none() {
                    self.ctx.wake(planner);
                }
            }
            succession::Signal::SteppedDown => self.on_stepped_down(),
        }
    }

    /// Creates the planner. It makes its first plan only once workers that start together have
    /// joined, and once the others have put rows that the store may have lost.
    fn start_planning(&mut self, term: Epoch) {
        let ctx = &mut self.ctx;
        // One plan for all workers that start together.
        let gathered = self.joined_at + ctx.settings.join_gather;
        let first = ctx.now.max(gathered).max(self.others_known_at);
        let me = self.member.id().clone();
        let standbys = self.succession.standbys().clone();
        self.planner = Some(Planner::new(me, term, first, standbys, ctx));
        self.watch.watch_all_from(ctx.now);
        if !keeps_the_windows_it_has() {
            self.watch.forget_windows();
        }
        ctx.notify(Notice::Planning(term));
    }

    /// Gives up planning, if this session was the planner, and ceases to read all sessions.
    fn stop_planning(&mut self) {
        if let Some(term) = self.drop_planner() {
            self.watch.watch_heads(Vec::new());
            self.ctx.notify(Notice::StoppedPlanning(term));
        }
    }

    /// Drops the planner with its calls and its signals. Its term, if there was one.
    pub(super) fn drop_planner(&mut self) -> Option<Epoch> {
        let planner = self.planner.take()?;
        if answers_die_with_their_planner() {
            self.ctx.forget_planner_calls();
        }
        Some(planner.term())
    }

    /// Follows an assignment document if it is newer than those seen before, and confirms it with a
    /// beat. A document for an earlier life of the worker counts only as a list of wanted leases,
    /// and only until a document of this life comes.
    fn follow(&mut self, assignment: Assignment) {
        if !self.member.is_live() {
            return;
        }
        let mine = self.ctx.reads.known().map(|known| &known.key.name);
        // An earlier life of this worker may have read another stream.
        for start in assignment.starts.iter().filter(|told| Some(&told.of.name) == mine) {
            self.ctx.starts.learn(start);
        }
        match self.inbox.meaning_of(&assignment, self.member.seen()) {
            Meaning::OfAnotherLife => {
                if !self.rejoined && self.handoff.assignment().is_none() {
                    sometimes!(FormerLeasesWanted);
                    self.handoff.take_back(&assignment, &mut self.ctx);
                }
            }
            Meaning::Old => {
                sometimes!(OldDocumentIgnored);
            }
            Meaning::New => {
                let version = assignment.version;
                self.succession.on_assignment(&assignment, &mut self.watch, &mut self.ctx);
                self.handoff.apply(assignment, &mut self.ctx);
                self.member.has_seen(version);
                if is_echoed_at_once() {
                    self.member.beat_now(&mut self.ctx);
                }
            }
        }
    }

    /// Reacts to the planner: its own assignment, a planner of a higher term, or a doubt about the
    /// store. The standbys that it names are handed to `succession` each time.
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

    /// The worker should leave (PROTOCOL rule 14). A session that has not joined holds nothing and
    /// ends at once.
    pub(super) fn start_leaving(&mut self) {
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
            planner.start_leaving(&self.ctx);
        } else if let Some(planner) = self.succession.planner().cloned() {
            self.ctx.wake(&planner);
            self.inbox.on_leaving(&self.ctx);
        }
        if !makes_before_it_breaks() {
            self.handoff.drain_all(&mut self.ctx);
        }
        if !planners_lease_goes_last() {
            self.succession.step_down(&mut self.ctx);
        }
    }

    /// Takes the next step of leaving, if it can be taken now. Whether there was one.
    fn go_on_leaving(&mut self) -> bool {
        if !self.leaving.is_under_way() {
            return false;
        }
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
        self.take_leave(next);
        next.is_some()
    }

    /// Takes the next step of leaving.
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

    /// The planner's lease is free: wakes the standby that knows of its part, else all other
    /// sessions.
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
}

/// Whether a fenced session loses all its leases at once.
fn loses_all_when_fenced() -> bool {
    !planted!(FencedGoesOn)
}

/// Whether a session confirms a document with a beat at once, instead of with the next regular one.
fn is_echoed_at_once() -> bool {
    !planted!(EchoWaitsForBeat)
}

/// Whether a new planner keeps the windows it had as a standby: how long each session has been
/// silent.
fn keeps_the_windows_it_has() -> bool {
    !planted!(WindowsOpenedAnew)
}

/// Whether a planner's calls are forgotten with the planner.
fn answers_die_with_their_planner() -> bool {
    !planted!(AnswersOutliveTheirPlan)
}

/// Whether a session that leaves goes on reading each lease until another session takes it.
fn makes_before_it_breaks() -> bool {
    !planted!(BreaksBeforeMake)
}

/// Whether a planner that leaves releases `@planner` after all other leases.
fn planners_lease_goes_last() -> bool {
    !planted!(PlannerLeavesFirst)
}
