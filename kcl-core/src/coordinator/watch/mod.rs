//! Watching other sessions, and ending those that do not beat.
//!
//! PROTOCOL rules 3 and 11. A window opens when a beat is first *received*; if it is still
//! the newest a session timeout later, and this watcher was well throughout, the session is ended,
//! conditional on that beat.
//!
//! | a session is | when | then it is | and there is asked |
//! |---|---|---|---|
//! | not known | a read shows it alive | watched | – |
//! | watched | a read shows a newer beat | watched anew | – |
//! | watched | the next beat is overdue by half an interval | suspected | its row, again and again |
//! | suspected | a read shows a newer beat | watched anew | – |
//! | suspected | it was silent for a timeout, while this watcher was well | being ended | its end, on condition of that beat |
//! | suspected | the same, and more than half of them with it | suspected | nothing, for one more timeout, once |
//! | any of these | a look does not find it | the same | its row, consistently |
//! | any of these | that does not find it either, or a read shows its end | ended | – |
//! | being ended | the end was written, or its row is gone | ended | – |
//! | being ended | the end was refused: it has beaten | watched anew | – |
//! | being ended | there is no answer | suspected | its end, a little later |
//! | all of them | the store went back | not known | nothing, for a timeout |
//!
//! Who watches all sessions suspects at once and looks fast; who looks only at those that do
//! suspects after a look that found nothing new, and ends one only when all of them are silent.

pub(super) mod due;
mod health;
pub(super) mod request;
pub(super) mod signal;
mod telling;
mod window;

/// How a session is read that a look did not find: its absence is then believed.
fn consistency_of_absence() -> Consistency {
    if planted!(AbsenceFromStaleRead) { Consistency::Eventual } else { Consistency::Strong }
}

/// Whether all of the heads are silent, so that one of them may be ended.
fn are_all(heads: &[SessionId], is_silent: impl Fn(&SessionId) -> bool) -> bool {
    heads.iter().all(is_silent) || planted!(OneHeadIsEnough)
}

/// Whether only a watcher that is well may end others.
fn has_to_be_well() -> bool {
    !planted!(OutageIsDeath)
}

/// Whether so many of the sessions are overdue together that it is no matter of theirs.
fn is_outage(overdue: usize, sessions: usize) -> bool {
    sessions >= OUTAGE_MIN_SESSIONS && overdue * 2 > sessions && !planted!(NoSecondWait)
}

/// Whether an outage is waited out once, however many are silent after that.
fn waits_only_once() -> bool {
    !planted!(WaitsForEver)
}

#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use self::{
    due::Due,
    health::Health,
    request::Reply,
    signal::Signal,
    window::{Pace, Terms, Window},
};
use super::{
    command::Notice,
    context::Context,
    noted::Noted,
    op::{self, Answered},
};
use crate::{
    env::Time,
    lease::{EndSession, Ending, Session, SessionId, Write},
    store::Consistency,
};

/// From this many sessions on, more than half of them failing at once is taken for an outage first.
const OUTAGE_MIN_SESSIONS: usize = 4;

/// The sessions being watched.
#[derive(Debug)]
pub(in crate::coordinator) struct Watch {
    me: SessionId,
    windows: Noted<SessionId, Window>,
    scope: Scope,
    health: Health,
    /// When all sessions are read next; `NEVER`: not my part.
    list_at: Time,
    /// When a reading that failed is tried again: one failed call is no gap (rule 11).
    relist_at: Time,
    listing: bool,
    /// No session is ended before this time: an outage is waited out, or the store went back.
    hold: FenceHold,
    /// What the deadlines of all sessions hang on, as it was when they were told.
    told: Option<Terms>,
}

/// Whom to watch.
#[derive(Debug)]
enum Scope {
    /// Everybody.
    All {
        /// Whether all sessions have been read since.
        read: bool,
    },
    /// Those that watch everybody, by single looks.
    Heads(Vec<SessionId>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum FenceHold {
    /// Sessions that are due are ended.
    Out,
    /// Nothing is ended before this time.
    Until(Time),
    /// One wait was granted and is over; what is due is ended, however many, until the fleet is
    /// well again.
    Spent,
}

impl Watch {
    pub(in crate::coordinator) fn new(me: SessionId, now: Time) -> Self {
        Self {
            me,
            windows: Noted::new(),
            scope: Scope::Heads(Vec::new()),
            health: Health::new(now),
            list_at: Time::NEVER,
            relist_at: Time::NEVER,
            listing: false,
            hold: FenceHold::Out,
            told: None,
        }
    }

    /// Reads all sessions every watch interval from `at` on. What is known of some still counts.
    pub(in crate::coordinator) fn watch_all_from(&mut self, at: Time) {
        self.list_at = at;
        if !matches!(self.scope, Scope::All { .. }) {
            self.scope = Scope::All { read: false };
        }
    }

    /// When all sessions are read next; `NEVER` if not at all.
    pub(in crate::coordinator) const fn lists_at(&self) -> Time {
        self.list_at
    }

    /// Watches only these sessions from now on, by single looks: all that watch everybody.
    pub(in crate::coordinator) fn watch_heads(&mut self, ids: Vec<SessionId>) {
        self.list_at = Time::NEVER;
        self.relist_at = Time::NEVER;
        self.windows.retain(|id, _| ids.contains(id));
        self.scope = Scope::Heads(ids);
    }

    /// Forgets how long anybody has been silent.
    pub(in crate::coordinator) fn forget_windows(&mut self) {
        self.windows.clear();
    }

    /// Looks at one session now.
    pub(in crate::coordinator) fn look(&mut self, id: &SessionId, ctx: &mut Context) {
        if let Some(window) = self.windows.get_mut(id) {
            if window.looking {
                return;
            }
            window.looking = true;
        }
        let row = op::Session(id.clone(), Consistency::Eventual);
        ctx.ask(row, request::Look(id.clone(), ctx.now));
    }

    /// Reads all sessions now.
    pub(in crate::coordinator) fn list(&mut self, consistency: Consistency, ctx: &mut Context) {
        self.listing = true;
        self.relist_at = Time::NEVER;
        ctx.ask(op::Sessions(consistency), request::List(consistency));
    }

    /// Whether the session's next beat is overdue.
    pub(in crate::coordinator) fn is_overdue(&self, id: &SessionId, now: Time) -> bool {
        self.windows.get(id).is_some_and(|window| window.is_overdue(now))
    }

    /// Whether the newest look at the session found no new beat.
    pub(in crate::coordinator) fn is_unchanged(&self, id: &SessionId) -> bool {
        self.windows.get(id).is_some_and(Window::is_unchanged)
    }

    /// When the newest beat of a session was received, and its interval.
    pub(in crate::coordinator) fn last_change(&self, id: &SessionId) -> Option<Time> {
        self.windows.get(id).map(|window| window.since)
    }

    /// An own beat was answered.
    pub(in crate::coordinator) fn on_own_beat(&mut self, ctx: &Context) {
        self.health.on_beat(ctx.now, ctx.settings.session_timeout / 2);
    }

    /// The store may have gone back in time: what beats it shows proves nothing for a while.
    pub(in crate::coordinator) fn on_store_went_back(&mut self, ctx: &Context) {
        self.hold = FenceHold::Until(ctx.now + ctx.settings.session_timeout);
        self.forget_windows();
    }

    /// A watcher that is not well ends nobody, until an answer makes it well again.
    fn is_well(&self, ctx: &Context) -> bool {
        self.health.is_well(ctx.now, ctx.settings.session_timeout / 2)
    }

    /// Whether so many fell silent together that it is no usual time.
    fn is_patient(&self) -> bool {
        self.hold != FenceHold::Out
    }

    pub(in crate::coordinator) fn on_tick(&mut self, ctx: &mut Context) {
        self.tell_deadlines(ctx);
        // To go through all sessions at each event would cost more than most events.
        let due = ctx.deadlines.of_sessions(ctx.now);
        if !due.is_empty() || self.is_patient() {
            self.do_due(due, ctx);
        }
    }

    fn do_due(&mut self, due: BTreeSet<Due>, ctx: &mut Context) {
        if self.list_at <= ctx.now && !self.listing {
            // The schedule keeps its phase: the other watcher keeps to the opposite one.
            let next = self.list_at + ctx.settings.watch_interval;
            self.list_at =
                if next > ctx.now { next } else { ctx.now + ctx.settings.watch_interval };
            self.list(Consistency::Eventual, ctx);
        } else if self.relist_at <= ctx.now && !self.listing {
            self.list(Consistency::Eventual, ctx);
        }
        for id in due.into_iter().filter_map(Due::into_look) {
            sometimes!(SuspectLookedAt, self.list_at != Time::NEVER);
            self.look(&id, ctx);
        }
        self.fence_due(ctx);
    }

    pub(in crate::coordinator) fn on_answer(&mut self, answer: Reply, ctx: &mut Context) {
        match answer {
            Reply::List(how, Ok(rows)) => {
                self.listing = false;
                self.on_read(ctx);
                if let Scope::All { read } = &mut self.scope {
                    *read = true;
                }
                for row in &rows {
                    self.observe(row, ctx);
                }
                ctx.signal(Signal::Listed(rows, how));
            }
            Reply::List(_, Err(_)) => {
                self.listing = false;
                if self.list_at != Time::NEVER {
                    self.relist_at = ctx.now + ctx.settings.fast_poll;
                }
            }
            Reply::Look(id, asked, answer) => self.on_look(&id, asked, answer, ctx),
            Reply::Confirm(id, Ok(None)) => {
                sometimes!(AbsenceConfirmed);
                self.on_absent(&id, ctx);
            }
            Reply::Confirm(..) => {}
            Reply::Fence(id, answer) => self.on_fenced(&id, answer, ctx),
        }
        self.fence_due(ctx);
    }

    fn pace(&self, ctx: &Context) -> Pace {
        if self.list_at == Time::NEVER {
            Pace::Casual(ctx.settings.watch_interval)
        } else {
            Pace::Close(ctx.settings.fast_poll)
        }
    }

    fn on_read(&mut self, ctx: &Context) {
        self.health.on_read(ctx.now, ctx.settings.session_timeout / 2);
    }

    fn on_look(
        &mut self,
        id: &SessionId,
        asked: Time,
        answer: Answered<op::Session>,
        ctx: &mut Context,
    ) {
        if let Some(window) = self.windows.get_mut(id) {
            window.looking = false;
            window.looked_at = asked;
            let failed = answer.is_err().then(|| ctx.now + ctx.settings.fast_poll);
            window.again_at = failed.unwrap_or(Time::NEVER);
        }
        if let Ok(row) = answer {
            self.on_read(ctx);
            if let Some(row) = row {
                self.observe(&row, ctx);
                if let Some(window) = self.windows.get_mut(id) {
                    window.was_read(asked);
                }
                ctx.signal(Signal::Seen(row));
            } else {
                // Absence is believed only from a consistent read; this was none.
                let row = op::Session(id.clone(), consistency_of_absence());
                ctx.ask(row, request::Confirm(id.clone()));
            }
        }
    }

    /// The session has ended, or has ended and was forgotten.
    fn on_absent(&mut self, id: &SessionId, ctx: &mut Context) {
        let watched = self.windows.remove(id).is_some();
        if watched || !ctx.ended.contains(id) {
            ctx.note_ended(id);
            ctx.signal(Signal::Ended(id.clone(), false));
        }
    }

    /// Learns from a row, wherever it was read.
    pub(in crate::coordinator) fn observe(&mut self, row: &Session, ctx: &mut Context) {
        if row.id == self.me {
            return;
        }
        if row.has_ended() {
            return self.on_absent(&row.id, ctx);
        }
        if let Scope::Heads(heads) = &self.scope
            && !heads.contains(&row.id)
        {
            return;
        }
        let fresh = || Window::new(row, ctx.now);
        self.windows.or_insert_with(&row.id, fresh).observe(row, ctx.now);
    }

    /// Whether it is mine to say who is dead: while one of those lives that watch everybody, it is
    /// theirs, who can tell an outage from a death.
    fn may_judge(&self, ctx: &Context) -> bool {
        let is_silent = |id: &SessionId| {
            ctx.ended.contains(id) || self.windows.get(id).is_some_and(Window::is_suspect)
        };
        match &self.scope {
            Scope::All { .. } => true,
            Scope::Heads(heads) => are_all(heads, is_silent),
        }
    }

    /// Ends every session that is due, unless so many are that it looks like an outage.
    fn fence_due(&mut self, ctx: &mut Context) {
        let now = ctx.now;
        if !self.may_judge(ctx) {
            return;
        }
        if !self.is_well(ctx) && has_to_be_well() {
            sometimes!(WatcherUnwell);
            return;
        }
        let due: Vec<(SessionId, u64)> = self
            .windows
            .iter()
            .filter(|(_, window)| !window.fencing && window.due_at(&self.health) <= now)
            .map(|(id, window)| (id.clone(), window.beat))
            .collect();
        if !self.may_end(!due.is_empty(), ctx) {
            return;
        }
        for (session, beat) in due {
            if let Some(window) = self.windows.get_mut(&session) {
                window.fencing = true;
            }
            let end = EndSession::new(session.clone(), Ending::Fence { beat });
            ctx.ask(op::EndSession(end), request::Fence(session));
        }
    }

    /// An outage is not a death: when more than half of four or more sessions fall due together,
    /// one more session timeout is waited, once. Who has not seen all of them cannot tell.
    fn may_end(&mut self, any_due: bool, ctx: &Context) -> bool {
        if self.hold == FenceHold::Out && !any_due {
            return true;
        }
        let now = ctx.now;
        let overdue = self.windows.values().filter(|window| window.is_overdue(now)).count();
        let sessions = self.windows.len() + 1;
        let mass = self.can_tell_an_outage() && is_outage(overdue, sessions);
        match self.hold {
            FenceHold::Out if mass => {
                sometimes!(MassExpiryWait);
                self.hold = FenceHold::Until(now + ctx.settings.session_timeout);
                false
            }
            FenceHold::Out => true,
            FenceHold::Until(at) if now < at => false,
            FenceHold::Until(_) if mass && !waits_only_once() => false,
            FenceHold::Until(_) => {
                sometimes!(MassExpiryOver, mass);
                self.hold = if mass { FenceHold::Spent } else { FenceHold::Out };
                true
            }
            FenceHold::Spent => {
                if !mass {
                    self.hold = FenceHold::Out;
                }
                true
            }
        }
    }

    /// Whether an outage can be told from deaths: by who has seen all sessions.
    fn can_tell_an_outage(&self) -> bool {
        matches!(self.scope, Scope::All { read: true }) || planted!(OutageSeenInPart)
    }

    fn on_fenced(&mut self, id: &SessionId, answer: Answered<op::EndSession>, ctx: &mut Context) {
        if let Some(window) = self.windows.get_mut(id) {
            window.fencing = false;
        }
        match answer {
            Ok(Write::Done(_)) => {
                sometimes!(SilentFenced);
                self.windows.remove(id);
                ctx.note_ended(id);
                ctx.notify(Notice::FencedOther(id.clone()));
                ctx.signal(Signal::Ended(id.clone(), true));
            }
            Ok(Write::Refused(Some(row))) => self.observe(&row, ctx),
            Ok(Write::Refused(None)) => self.on_absent(id, ctx),
            // Tried again at the next look: the window stays due.
            Err(_) => {
                if let Some(window) = self.windows.get_mut(id) {
                    window.postpone(ctx.now + ctx.settings.fast_poll);
                }
            }
        }
    }
}
