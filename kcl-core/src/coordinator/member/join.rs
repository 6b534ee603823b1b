//! Registering, and making sure that the worker id is mine alone.
//!
//! Register, *then* list: of two sessions that start under one id at once at least one sees the
//! other, and both order themselves by (start number, incarnation).

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
    /// It is time to start. What the stream is stays known from one session to the next.
    pub(super) fn start_joining(&mut self, ctx: &mut Context) {
        if ctx.reads.known().is_some() {
            return self.list_before(ctx);
        }
        self.phase = Phase::Describing;
        ctx.reads.want();
    }

    pub(super) fn list_before(&mut self, ctx: &mut Context) {
        self.phase = Phase::Listing;
        self.retry_at = Time::NEVER;
        ctx.ask(op::Sessions(Consistency::Strong), request::ListBefore);
    }

    /// Tries the step of joining that failed again.
    pub(super) fn rejoin(&mut self, ctx: &mut Context) {
        match self.phase {
            // Whatever was sent may have been registered, ended for its silence and forgotten:
            // others take that session for ended for good.
            Phase::Registering(since) if ctx.now >= since + self.session.timeout => {
                self.be_over();
                ctx.signal(Signal::Unheard);
            }
            Phase::Registering(_) => self.send_register(ctx),
            _ => self.list_before(ctx),
        }
    }

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

    /// Whether this process was fenced and another session of its id lives: that one is newer.
    fn must_give_way_to(&self, row: &Session) -> bool {
        let is_newer = !row.has_ended() && !self.former.contains(&row.id);
        self.fenced_before && is_newer && gives_way_once_fenced()
    }

    /// Registers, again with the same incarnation if need be: a register whose answer was lost
    /// must not leave a second session behind.
    fn send_register(&mut self, ctx: &mut Context) {
        self.retry_at = Time::NEVER;
        ctx.ask(op::Register(self.session.clone()), request::Register(ctx.now));
    }

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
        // An earlier attempt was counted, and its answer lost.
        if let SessionState::Ended(reason) = row.state {
            return self.on_fence(reason, ctx);
        }
        self.mailbox = row.mailbox;
        self.become_valid(sent, ctx);
        // Spread the fleet's beats over the interval: pods of one deployment start together.
        self.beat_at = ctx.now + ctx.rng.span(self.session.interval);
        self.poll_at = if ctx.pushes { Time::NEVER } else { ctx.now + ctx.settings.wake_poll };
        self.start_passing(ctx);
    }

    /// The application reads my stream: whether the id is mine alone is judged now. The sessions
    /// were asked for with the last put.
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

    /// The listing after registering failed: it is made again a little later.
    pub(super) fn list_after_later(&mut self, ctx: &mut Context) {
        if let Phase::Checking(older) = &mut self.phase {
            older.look_at = Some(ctx.now + retry_pause(ctx));
        } else if matches!(self.listed, Listed::Asked) {
            self.listed = Listed::Not;
        }
    }

    pub(super) fn list_after(&mut self, ctx: &mut Context) {
        self.listed = Listed::Asked;
        ctx.ask(op::Sessions(Consistency::Strong), request::ListAfter);
    }

    /// The sessions were listed after registering.
    pub(super) fn on_listed_after(&mut self, rows: Vec<Session>, ctx: &mut Context) {
        if self.phase == Phase::Passing {
            self.listed = Listed::Rows(rows);
        } else {
            self.check(&rows, ctx);
        }
    }

    fn check(&mut self, rows: &[Session], ctx: &mut Context) {
        let Phase::Checking(older) = &mut self.phase else { return };
        let me = &self.session;
        older.listed = true;
        for row in rows {
            if !is_rival(me, row) {
                continue;
            }
            // A former life's registration may land after this one's.
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

    fn join_when_settled(&mut self, ctx: &mut Context) {
        if let Phase::Checking(older) = &self.phase
            && older.is_settled()
        {
            self.phase = Phase::Live;
            ctx.signal(Signal::Joined);
        }
    }

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
            // It was to be fenced, and has beaten.
            Ok(Write::Refused(Some(row))) if !row.has_ended() => {
                self.give_way(ctx);
            }
            // Done, or it had ended: either way it is over.
            Ok(_) => {
                sometimes!(OlderReplaced);
                older.ending.remove(id);
                ctx.note_ended(id);
                self.join_when_settled(ctx);
            }
            // The next look asks again.
            Err(_) => older.look_at = Some(ctx.now + ctx.settings.fast_poll),
        }
    }

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

    /// The store went back, and may have lost the ends of older sessions of my id: whether it is
    /// mine alone is looked at again.
    pub(super) fn list_again(&mut self, ctx: &mut Context) {
        if self.recheck_at <= ctx.now {
            self.recheck_at = ctx.now + self.session.interval;
            ctx.ask(op::Sessions(Consistency::Strong), request::ListAgain);
        }
    }

    /// Ends the older sessions of my id that live, until a listing shows none. A newer one takes my
    /// place; under `same_id = refuse` it may just be finding out that it must not.
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

    /// Another session of my id is there to stay: I go, and leave nothing behind.
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

/// Whether `row` is another session of my id that lives.
fn is_rival(me: &Session, row: &Session) -> bool {
    row.id.worker == me.id.worker && row.id != me.id && !row.has_ended()
}

/// The start number that follows those of my id that are listed.
fn start_after(highest: Option<u64>) -> u64 {
    if planted!(StartsNotCounted) { 1 } else { highest.unwrap_or(0) + 1 }
}

/// Whether sessions are listed after registering and before anything is acquired.
fn looks_for_others_first() -> bool {
    !planted!(JoinsWithoutListing)
}

/// Whether I stop because of a session of my id that lives: a newer one.
fn stops_for(me: &Session, row: &Session) -> bool {
    row.seniority() > me.seniority() && !planted!(OlderDoesNotStop)
}

/// Whether who was fenced leaves its id to another session that lives.
fn gives_way_once_fenced() -> bool {
    !planted!(FencedComesBack)
}
