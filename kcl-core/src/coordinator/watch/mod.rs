//! Watching other sessions, and ending (fencing) those that do not beat.
//!
//! PROTOCOL rules 3 and 11. A *window* opens when a beat is first *received*. If that beat is still
//! the newest a session timeout later, and this watcher was well all the time (`health.rs`), the
//! watcher ends the session, on condition of that beat. So a session that beats meanwhile is not
//! ended, however wrong the watcher's clock is.
//!
//! Two kinds of watchers:
//!
//! - A head reads all sessions. It reads a suspect every `fast_poll` as soon as a beat is overdue.
//! - Another session reads the heads only. It suspects a head after a read that found no new beat,
//!   and ends it only if all heads are silent: a head can tell an outage from a death, and this
//!   session cannot.
//!
//! It does not decide who is a head; `succession` does.
//!
//! | a session is | when | then it is | request to the store |
//! |---|---|---|---|
//! | not known | a read shows it live | watched | – |
//! | watched | a read shows a newer beat | watched anew | – |
//! | watched | the next beat is overdue by half an interval | suspected | read its row, again and again |
//! | suspected | a read shows a newer beat | watched anew | – |
//! | suspected | it was silent for a timeout, while this watcher was well | being ended | end it, on condition of that beat |
//! | suspected | the same, and more than half of the sessions with it | suspected | nothing, for one more timeout, once |
//! | any of these | a read does not find it | the same | read its row consistently |
//! | any of these | the consistent read does not find it, or a read shows its end | ended | – |
//! | being ended | the end was written, or its row does not exist | ended | – |
//! | being ended | the end was refused, since it has beaten | watched anew | – |
//! | being ended | the call failed | suspected | end it, a little later |
//! | all of them | the store went back | not known | nothing, for a timeout |

pub(super) mod due;
mod health;
pub(super) mod request;
pub(super) mod signal;
mod telling;
mod window;

/// How consistently a session is read that an eventual read did not find: its absence is believed
/// then.
fn consistency_of_absence() -> Consistency {
    if planted!(AbsenceFromStaleRead) { Consistency::Eventual } else { Consistency::Strong }
}

/// Whether all heads are silent, so that a session that is no head may end one.
fn are_all(heads: &[SessionId], is_silent: impl Fn(&SessionId) -> bool) -> bool {
    heads.iter().all(is_silent) || planted!(OneHeadIsEnough)
}

/// Whether only a watcher that is well may end others.
fn has_to_be_well() -> bool {
    !planted!(OutageIsDeath)
}

/// Whether so many of the sessions are overdue together that the store or the network is at fault,
/// not the sessions.
fn is_outage(overdue: usize, sessions: usize) -> bool {
    sessions >= OUTAGE_MIN_SESSIONS && overdue * 2 > sessions && !planted!(NoSecondWait)
}

/// Whether an outage is waited out only once, however many sessions are silent after that.
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

/// The least number of sessions of which more than half may fail at once and be taken for an outage
/// (PROTOCOL rule 11).
const OUTAGE_MIN_SESSIONS: usize = 4;

/// The sessions that this one watches: see the module.
#[derive(Debug)]
pub(in crate::coordinator) struct Watch {
    me: SessionId,
    /// A window for each watched session.
    windows: Noted<SessionId, Window>,
    scope: Scope,
    health: Health,
    /// When all sessions are read next; `NEVER` if this session is no head.
    list_at: Time,
    /// When a failed reading of all sessions is tried again; one failed call is no gap (rule 11).
    relist_at: Time,
    /// Whether a reading of all sessions is under way.
    listing: bool,
    /// Whether sessions may be ended now: not during an outage, and not after the store went back.
    hold: FenceHold,
    /// The common terms of all deadlines, as they were when the deadlines were last set.
    told: Option<Terms>,
}

/// Which sessions are watched.
#[derive(Debug)]
enum Scope {
    /// All sessions: this session is a head.
    All {
        /// Whether all sessions were read since.
        read: bool,
    },
    /// Only the heads, each by reads of its own row.
    Heads(Vec<SessionId>),
}

/// Whether sessions may be ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum FenceHold {
    /// A session that is due is ended.
    Out,
    /// No session is ended before this time.
    Until(Time),
    /// An outage was waited out. Sessions that are due are ended, however many they are, until half
    /// of the fleet beats again.
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

    /// Reads all sessions every watch interval, from `at` on. The windows that are open stay open.
    pub(in crate::coordinator) fn watch_all_from(&mut self, at: Time) {
        self.list_at = at;
        if !matches!(self.scope, Scope::All { .. }) {
            self.scope = Scope::All { read: false };
        }
    }

    /// When all sessions are read next; `NEVER` if this session is no head.
    pub(in crate::coordinator) const fn lists_at(&self) -> Time {
        self.list_at
    }

    /// Watches only these sessions, the heads, from now on.
    pub(in crate::coordinator) fn watch_heads(&mut self, ids: Vec<SessionId>) {
        self.list_at = Time::NEVER;
        self.relist_at = Time::NEVER;
        self.windows.retain(|id, _| ids.contains(id));
        self.scope = Scope::Heads(ids);
    }

    /// Closes all windows: every session gets a full timeout again.
    pub(in crate::coordinator) fn forget_windows(&mut self) {
        self.windows.clear();
    }

    /// Reads the row of one session now, unless that is under way.
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

    /// Whether the session's next beat is overdue by half an interval.
    pub(in crate::coordinator) fn is_overdue(&self, id: &SessionId, now: Time) -> bool {
        self.windows.get(id).is_some_and(|window| window.is_overdue(now))
    }

    /// Whether the newest read of the session's own row found no new beat.
    pub(in crate::coordinator) fn is_unchanged(&self, id: &SessionId) -> bool {
        self.windows.get(id).is_some_and(Window::is_unchanged)
    }

    /// When the newest beat of a session was first received; `None` if it is not watched.
    pub(in crate::coordinator) fn last_change(&self, id: &SessionId) -> Option<Time> {
        self.windows.get(id).map(|window| window.since)
    }

    /// A beat of this session was answered.
    pub(in crate::coordinator) fn on_own_beat(&mut self, ctx: &Context) {
        self.health.on_beat(ctx.now, ctx.settings.session_timeout / 2);
    }

    /// The store may have gone back in time: it may show old beats, so no session is ended for a
    /// session timeout.
    pub(in crate::coordinator) fn on_store_went_back(&mut self, ctx: &Context) {
        self.hold = FenceHold::Until(ctx.now + ctx.settings.session_timeout);
        self.forget_windows();
    }

    /// Whether this watcher may end others: its own beats are answered and its reads succeed.
    fn is_well(&self, ctx: &Context) -> bool {
        self.health.is_well(ctx.now, ctx.settings.session_timeout / 2)
    }

    /// Whether sessions may not be ended, or only since an outage was waited out.
    fn is_patient(&self) -> bool {
        self.hold != FenceHold::Out
    }

    /// Does the work that is due: reads sessions, and ends those that have been silent for too
    /// long.
    pub(in crate::coordinator) fn on_tick(&mut self, ctx: &mut Context) {
        self.tell_deadlines(ctx);
        // To go through all sessions at each event would take longer than most events do.
        let due = ctx.deadlines.of_sessions(ctx.now);
        if !due.is_empty() || self.is_patient() {
            self.do_due(due, ctx);
        }
    }

    /// Reads all sessions and single suspects, as far as these are due, and ends those that may be
    /// ended.
    fn do_due(&mut self, due: BTreeSet<Due>, ctx: &mut Context) {
        if self.list_at <= ctx.now && !self.listing {
            // The readings keep their phase: the other head reads at the opposite one.
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

    /// Learns from an answer, and ends the sessions that are due then.
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

    /// How closely this session follows suspects: as a head, or as any other session.
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

    /// A session's row was read. A read that found none is repeated consistently.
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
                // An eventual read proves no absence: reads the row consistently.
                let row = op::Session(id.clone(), consistency_of_absence());
                ctx.ask(row, request::Confirm(id.clone()));
            }
        }
    }

    /// The session has ended: its row shows it, or was deleted after the end.
    fn on_absent(&mut self, id: &SessionId, ctx: &mut Context) {
        let watched = self.windows.remove(id).is_some();
        if watched || !ctx.ended.contains(id) {
            ctx.note_ended(id);
            ctx.signal(Signal::Ended(id.clone(), false));
        }
    }

    /// Learns from a session's row, whatever it was read for.
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

    /// Whether this session may end others: a head may; any other session may only if no head is
    /// left that beats.
    fn may_judge(&self, ctx: &Context) -> bool {
        let is_silent = |id: &SessionId| {
            ctx.ended.contains(id) || self.windows.get(id).is_some_and(Window::is_suspect)
        };
        match &self.scope {
            Scope::All { .. } => true,
            Scope::Heads(heads) => are_all(heads, is_silent),
        }
    }

    /// Ends every session that is due, unless so many are due that it may be an outage.
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

    /// Whether sessions that are due may be ended. If more than half of four or more sessions are
    /// overdue together, one more session timeout is waited, once: it may be an outage.
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

    /// Whether this session can tell an outage from deaths: it must have read all sessions.
    fn can_tell_an_outage(&self) -> bool {
        matches!(self.scope, Scope::All { read: true }) || planted!(OutageSeenInPart)
    }

    /// The end of a session was answered. A refusal shows a newer beat, or that the session had
    /// ended.
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
            // The window stays due: the end is tried again after `fast_poll`.
            Err(_) => {
                if let Some(window) = self.windows.get_mut(id) {
                    window.postpone(ctx.now + ctx.settings.fast_poll);
                }
            }
        }
    }
}
