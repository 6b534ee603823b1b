//! Registering, and making sure that no other session uses the worker's id (PROTOCOL rule 1).
//!
//! A session registers, and *then* lists: of two sessions that start under one id at once at least
//! one sees the other. Both order themselves by (start number, incarnation); the older one stops.

use super::{
    Member,
    older::{self, Listed, Older},
    phase::Phase,
    request, retry_pause,
    signal::Signal,
};
use crate::{
    coordinator::{
        context::Context,
        op::{self, Answered},
    },
    env::Time,
    lease::{EndSession, Ending, Session, SessionId, SessionState, Stamped, Write},
    settings::SameId,
    store::Consistency,
};

impl Member {
    /// Starts to join. The description of the stream stays known from one session of the process to
    /// the next.
    pub(super) fn start_joining(&mut self, ctx: &mut Context) {
        if ctx.reads.known().is_some() {
            return self.list_before(ctx);
        }
        self.phase = Phase::Describing;
        ctx.reads.want();
    }

    /// Lists the sessions before registering, to find the start number.
    pub(super) fn list_before(&mut self, ctx: &mut Context) {
        self.phase = Phase::Listing;
        self.retry_at = Time::NEVER;
        ctx.ask(op::Sessions(Consistency::Strong), request::ListBefore);
    }

    /// Makes the failed call of joining again.
    pub(super) fn rejoin(&mut self, ctx: &mut Context) {
        match self.phase {
            // A register without an answer may have been applied, fenced for its silence, and
            // deleted. Other sessions take this session for ended for good, so it must not
            // register.
            Phase::Registering(since) if ctx.now >= since + self.session.timeout => {
                self.be_over();
                ctx.signal(Signal::Unheard);
            }
            Phase::Registering(_) => self.send_register(ctx),
            _ => self.list_before(ctx),
        }
    }

    /// The sessions were listed: registers with the next start number of this id.
    pub(super) fn register(&mut self, rows: &[Session], ctx: &mut Context) {
        let mine = rows.iter().filter(|row| row.id.worker == self.session.id.worker);
        if mine.clone().any(|row| self.must_give_way_to(row)) {
            sometimes!(RejoinGaveWay);
            return self.give_way(ctx);
        }
        self.session.start = start_after(mine.map(|row| row.start).max());
        self.session.stream = ctx.reads.name().cloned();
        self.phase = Phase::Registering(ctx.now);
        self.send_register(ctx);
    }

    /// Whether this session must stop: a session of this process was fenced, and `row` is another
    /// live session of its id, which is newer.
    fn must_give_way_to(&self, row: &Session) -> bool {
        let is_newer = !row.has_ended() && !self.former.contains(&row.id);
        self.fenced_before && is_newer && gives_way_once_fenced()
    }

    /// Puts the row, with the same incarnation at each attempt: an attempt whose answer was lost
    /// must not leave a second session behind.
    fn send_register(&mut self, ctx: &mut Context) {
        self.retry_at = Time::NEVER;
        ctx.ask(op::Register(self.session.clone()), request::Register(ctx.now));
    }

    /// The registration was answered: the session is valid from when it was sent, and begins to
    /// pass.
    pub(super) fn on_registered(
        &mut self,
        sent: Time,
        reply: Stamped<Write<Session>>,
        ctx: &mut Context,
    ) {
        if !matches!(self.phase, Phase::Registering(_)) {
            return;
        }
        ctx.epochs.stamped(&reply.stamp, ctx.now);
        self.on_generation(&reply.stamp.generation, ctx);
        let Some(row) = reply.value.into_row() else { return self.list_before(ctx) };
        // The row may have been put by an earlier attempt, and ended since.
        if let SessionState::Ended(reason) = row.state {
            return self.on_fence(reason, ctx);
        }
        self.mailbox = row.mailbox;
        self.become_valid(sent, ctx);
        // The beats of a fleet are spread over the interval: the pods of a deployment start
        // together.
        self.beat_at = ctx.now + ctx.rng.span(self.session.interval);
        self.poll_at = if ctx.pushes { Time::NEVER } else { ctx.now + ctx.settings.wake_poll };
        self.start_passing(ctx);
    }

    /// The application reads this worker's stream: checks that no other session uses the id. The
    /// sessions were listed together with the last put of `streams`.
    pub(super) fn start_checking(&mut self, ctx: &mut Context) {
        self.phase = Phase::Checking(Older::default());
        if !looks_for_others_first() {
            self.phase = Phase::Live;
            return ctx.signal(Signal::Joined);
        }
        match std::mem::take(&mut self.listed) {
            Listed::Rows(rows) => self.check(&rows, ctx),
            Listed::Asked => {}
            Listed::Not => self.list_after(ctx),
        }
    }

    /// The listing after registering failed: it is made again after a pause.
    pub(super) fn list_after_later(&mut self, ctx: &mut Context) {
        if let Phase::Checking(older) = &mut self.phase {
            older.look_at = Some(ctx.now + retry_pause(ctx));
        } else if matches!(self.listed, Listed::Asked) {
            self.listed = Listed::Not;
        }
    }

    /// Lists the sessions after registering.
    pub(super) fn list_after(&mut self, ctx: &mut Context) {
        self.listed = Listed::Asked;
        ctx.ask(op::Sessions(Consistency::Strong), request::ListAfter);
    }

    /// The sessions were listed after registering. If the session has not passed yet, the listing
    /// is kept until then.
    pub(super) fn on_listed_after(&mut self, rows: Vec<Session>, ctx: &mut Context) {
        if self.phase == Phase::Passing {
            self.listed = Listed::Rows(rows);
        } else {
            self.check(&rows, ctx);
        }
    }

    /// Stops for a newer session of this id; ends or watches the older ones, as `same_id` says.
    fn check(&mut self, rows: &[Session], ctx: &mut Context) {
        let Phase::Checking(older) = &mut self.phase else { return };
        let me = &self.session;
        older.listed = true;
        for row in rows {
            if !is_rival(me, row) {
                continue;
            }
            // The registration of an earlier session of this process may be applied after this
            // one's.
            let former = self.former.contains(&row.id);
            if !former && stops_for(me, row) {
                return self.give_way(ctx);
            }
            if former || ctx.settings.same_id == SameId::Replace {
                older.ending.insert(row.id.clone(), Ending::Replace);
            } else {
                older.watched.insert(row.id.clone(), (row.beat, ctx.now));
                older.look_at = Some(ctx.now + ctx.settings.watch_interval);
            }
        }
        older.end(ctx);
        self.join_when_settled(ctx);
    }

    /// Becomes live once no older session of this id is left.
    fn join_when_settled(&mut self, ctx: &mut Context) {
        if let Phase::Checking(older) = &self.phase
            && older.is_settled()
        {
            self.phase = Phase::Live;
            ctx.signal(Signal::Joined);
        }
    }

    /// The end of an older session was answered.
    pub(super) fn on_older_ended(
        &mut self,
        id: &SessionId,
        answer: Answered<op::EndSession>,
        ctx: &mut Context,
    ) {
        let Phase::Checking(older) = &mut self.phase else { return };
        if !older.ending.contains_key(id) {
            return;
        }
        match answer {
            // It should have been fenced, and it has beaten.
            Ok(Write::Refused(Some(row))) if !row.has_ended() => {
                self.give_way(ctx);
            }
            // The end was written, or the session had ended before.
            Ok(_) => {
                sometimes!(OlderReplaced);
                older.ending.remove(id);
                ctx.note_ended(id);
                self.join_when_settled(ctx);
            }
            // The end is asked for again at the next read.
            Err(_) => older.look_at = Some(ctx.now + ctx.settings.fast_poll),
        }
    }

    /// Under `same_id = refuse`: reads the rows of the older sessions again, when that is due.
    pub(super) fn look_at_older(&mut self, ctx: &mut Context) {
        let Phase::Checking(older) = &mut self.phase else { return };
        if older.look_at.is_none_or(|at| at > ctx.now) {
            return;
        }
        older.look_at = None;
        if !older.listed {
            return self.list_after(ctx);
        }
        older.end(ctx);
        for id in older.watched.keys() {
            let row = op::Session(id.clone(), Consistency::Strong);
            ctx.ask(row, request::LookAtOlder(id.clone()));
            older.look_at = Some(ctx.now + ctx.settings.watch_interval);
        }
    }

    /// The row of an older session was read. If it beats, this session stops; if it is silent for a
    /// timeout, it is fenced.
    pub(super) fn on_older(&mut self, id: &SessionId, row: Option<&Session>, ctx: &mut Context) {
        let timeout = self.session.timeout;
        let Phase::Checking(older) = &mut self.phase else { return };
        let Some(&(beat, since)) = older.watched.get(id) else { return };
        match row {
            Some(row) if !row.has_ended() && row.beat != beat => self.give_way(ctx),
            Some(row) if !row.has_ended() => {
                if ctx.now >= since + timeout.max(row.timeout) {
                    older.watched.remove(id);
                    let fence = Ending::Fence { beat };
                    older.ending.insert(id.clone(), fence);
                    older::end(id, fence, ctx);
                }
            }
            _ => {
                older.watched.remove(id);
                ctx.note_ended(id);
                self.join_when_settled(ctx);
            }
        }
    }

    /// Lists the sessions again, if the store went back: it may have lost the ends of older
    /// sessions of this id.
    pub(super) fn list_again(&mut self, ctx: &mut Context) {
        if self.recheck_at <= ctx.now {
            self.recheck_at = ctx.now + self.session.interval;
            ctx.ask(op::Sessions(Consistency::Strong), request::ListAgain);
        }
    }

    /// Ends the older live sessions of this id, until a listing shows none. Stops for a newer one,
    /// but not under `same_id = refuse`: there the newer one stops by itself, if it finds this one.
    pub(super) fn check_again(&mut self, rows: &[Session], ctx: &mut Context) {
        let me = &self.session;
        let (newer, older): (Vec<&Session>, Vec<&Session>) = rows
            .iter()
            .filter(|row| is_rival(me, row))
            .partition(|row| row.seniority() > me.seniority() && !self.former.contains(&row.id));
        if ctx.settings.same_id == SameId::Replace && !newer.is_empty() {
            return self.give_way(ctx);
        }
        if newer.is_empty() && older.is_empty() {
            self.recheck_at = Time::NEVER;
        }
        for row in older {
            sometimes!(OlderEndedAgain);
            let end = EndSession::new(row.id.clone(), Ending::Replace);
            ctx.tell(op::EndSession(end));
        }
    }

    /// Stops this worker, because another session of its id stays. Ends its own session, if it may
    /// have registered.
    fn give_way(&mut self, ctx: &mut Context) {
        let registered = !matches!(self.phase, Phase::Listing | Phase::Waiting(_));
        self.be_over();
        if registered {
            let end = EndSession::new(self.session.id.clone(), Ending::Leave);
            ctx.tell(op::EndSession(end));
        }
        ctx.signal(Signal::Duplicate);
    }
}

/// Whether `row` is another live session of this worker's id.
fn is_rival(me: &Session, row: &Session) -> bool {
    row.id.worker == me.id.worker && row.id != me.id && !row.has_ended()
}

/// The start number of a new session, above those listed for its id.
fn start_after(highest: Option<u64>) -> u64 {
    if planted!(StartsNotCounted) { 1 } else { highest.unwrap_or(0) + 1 }
}

/// Whether a session lists the sessions after it registered and before it acquires anything.
fn looks_for_others_first() -> bool {
    !planted!(JoinsWithoutListing)
}

/// Whether this session stops for a live session of its id: for a newer one.
fn stops_for(me: &Session, row: &Session) -> bool {
    row.seniority() > me.seniority() && !planted!(OlderDoesNotStop)
}

/// Whether a fenced worker leaves its id to another live session.
fn gives_way_once_fenced() -> bool {
    !planted!(FencedComesBack)
}
