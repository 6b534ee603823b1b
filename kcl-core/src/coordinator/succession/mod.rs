//! Finds out which session is the planner: reads the planner's lease, acquires it, and decides
//! which sessions this session reads, and how often.
//!
//! PROTOCOL rule 6. The planner names two standbys; these three sessions, the heads, read all
//! sessions.
//!
//! ```text
//!   place     reads
//!   0 planner all sessions every w, and the row of standby 1 after each beat expected
//!   1 standby all sessions every w at the opposite phase, and the planner's row likewise
//!   2 standby all sessions every w
//!   3–8       the planner's session every w, the standbys' if the planner is silent
//!   9 and on  the planner's session and `@planner` every 30 s
//! ```
//!
//! Places 1–8 also read the lease `@planner` every 5 s. Nothing here is needed for safety: that
//! lease is taken by a compare-and-set like any other, and its epoch is the planner's term. In the
//! table “I” is this session.
//!
//! | I am | when | then I am | request to the store |
//! |---|---|---|---|
//! | no planner | it is time | the same | read the planner's lease |
//! | no planner | there is no such lease | the same | put its row |
//! | no planner | it is free, its owner has ended, or an old acquire of mine was applied | taking it | acquire it, under the next epoch |
//! | no planner | another live session holds it | a follower of that session | read that session, while I have no place |
//! | no planner | my document names the heads and my place | a follower | as often as my place says: the planner's lease and session, or all sessions |
//! | a follower | a read finds no new beat of the planner | the same | read the standbys' sessions, unless I read all sessions |
//! | a head | my partner's next beat is expected | the same | read its session, until it shows the beat or is overdue |
//! | the first standby | the planner's row says when it read all sessions | the same | read all sessions, at the opposite phase |
//! | a follower | the planner's session ends | the same | read the lease, the sooner the lower my place |
//! | taking it | it is granted, I am valid and do not leave | the planner | – |
//! | taking it | it is refused | no planner | as the row in the refusal says |
//! | taking it | the acquire failed, or came too late | no planner | read the lease, a little later |
//! | the planner | its row names another owner or epoch, or I met a higher term | no planner | read the lease, at once |
//! | the planner | I leave, and it is its turn | the same | release the lease, to the standby |
//! | the planner | that is answered | stepped down | – |

mod partner;
pub(super) mod request;
pub(super) mod signal;

/// Whether a session that finds itself the owner of the planner's lease, without being the planner,
/// acquires it anew.
fn takes_its_own_row_anew() -> bool {
    !planted!(OwnPlannerRowLeft)
}

/// Whether sessions that are no heads find out whether there is a planner.
fn others_look() -> bool {
    !planted!(OthersNeverLook)
}

#[cfg(test)]
mod tests;

use std::time::Duration;

use self::{partner::Partner, request::Reply, signal::Signal};
use super::{
    context::Context,
    document::{Assignment, NEAR},
    heads::Standbys,
    op::{self, Answered},
    watch::Watch,
};
use crate::{
    env::Time,
    lease::{Acquire, Checkpoint, Epoch, Lease, LeaseKey, Release, Session, SessionId, Write},
    store::Consistency,
};

/// How often the planner's lease is read by the sessions up to place [`NEAR`].
const LOOK_NEAR: Duration = Duration::from_secs(5);
/// How often the planner's lease and session are read by the others.
const LOOK_FAR: Duration = Duration::from_secs(30);

/// Practically never, for a planted bug.
const NEVER: Duration = Duration::from_secs(3_600);

/// The planner's session, as far as this session knows it, and the state of taking its lease.
#[derive(Debug)]
pub(in crate::coordinator) struct Succession {
    me: SessionId,
    /// The planner, as this session knows it.
    planner: Option<SessionId>,
    standbys: Standbys,
    /// This session's place in the order of succession; `None` before its first document.
    rank: Option<u32>,
    /// This session's term while it is the planner.
    term: Option<Epoch>,
    /// The epoch of an acquire of the planner's lease under way.
    taking: Option<Epoch>,
    /// Whether a read of the planner's lease is under way.
    looking: bool,
    /// When the planner's lease is read next.
    look_at: Time,
    /// When the planner's session is read next; [`Time::NEVER`] for a session that reads all
    /// sessions.
    planner_at: Time,
    partner: Partner,
    leaving: bool,
    /// Whether the release of the planner's lease was sent.
    stepping_down: bool,
}

impl Succession {
    pub(in crate::coordinator) fn new(me: SessionId) -> Self {
        Self {
            me,
            planner: None,
            standbys: Standbys::default(),
            rank: None,
            term: None,
            taking: None,
            looking: false,
            look_at: Time::NEVER,
            planner_at: Time::NEVER,
            partner: Partner::default(),
            leaving: false,
            stepping_down: false,
        }
    }

    pub(in crate::coordinator) const fn planner(&self) -> Option<&SessionId> {
        self.planner.as_ref()
    }

    /// The standbys, as far as this session knows; those that it named, while it is the planner.
    pub(in crate::coordinator) const fn standbys(&self) -> &Standbys {
        &self.standbys
    }

    /// The worker leaves: it does not take the planner's lease any more.
    pub(in crate::coordinator) const fn start_leaving(&mut self) {
        self.leaving = true;
    }

    /// Reads the planner's lease at once.
    pub(in crate::coordinator) fn look_now(&mut self, ctx: &Context) {
        self.look_at = ctx.now;
    }

    pub(in crate::coordinator) fn next_wake(&self) -> Time {
        let look = if self.looking || self.taking.is_some() { Time::NEVER } else { self.look_at };
        look.min(self.planner_at).min(self.partner.look_at())
    }

    /// Does the work that is due: reads the planner's lease and session, and follows the partner.
    pub(in crate::coordinator) fn on_tick(&mut self, watch: &mut Watch, ctx: &mut Context) {
        if self.stepping_down && self.term.is_some() && self.look_at <= ctx.now {
            self.step_down(ctx);
        } else if self.look_at <= ctx.now && !self.looking && self.taking.is_none() {
            self.looking = true;
            self.look_at = ctx.now + self.pause(ctx);
            ctx.ask(op::Lease(LeaseKey::planner()), request::PlannersRow);
        }
        if self.planner_at <= ctx.now {
            self.planner_at = ctx.now + self.pause_of_looks(ctx);
            if let Some(planner) = self.planner.as_ref().filter(|id| !ctx.ended.contains(id)) {
                watch.look(planner, ctx);
            }
        }
        self.partner.on_tick(watch, ctx);
    }

    /// Takes over the heads and this session's place from its newest assignment document.
    pub(in crate::coordinator) fn on_assignment(
        &mut self,
        assignment: &Assignment,
        watch: &mut Watch,
        ctx: &mut Context,
    ) {
        if self.term.is_some() {
            return;
        }
        self.standbys =
            Standbys { first: assignment.standby.clone(), second: assignment.second.clone() };
        self.rank = Some(assignment.rank);
        self.follow(assignment.planner.clone(), watch, ctx);
        self.look_at = self.look_at.min(ctx.now + self.pause(ctx));
        let partner = self.planner.clone().filter(|_| self.is_first());
        self.partner.follow(partner, ctx.now);
    }

    /// The planner is known: reads all sessions from now on, or only those of the heads, as this
    /// session's place says.
    fn follow(&mut self, planner: SessionId, watch: &mut Watch, ctx: &Context) {
        let is_new = self.planner.as_ref() != Some(&planner);
        self.planner = Some(planner);
        if self.watches_all() {
            self.planner_at = Time::NEVER;
            if watch.lists_at() == Time::NEVER {
                watch.watch_all_from(ctx.now);
            }
            return;
        }
        if is_new || self.planner_at == Time::NEVER {
            // The reads of the near ones are spread over the watch interval.
            let place = self.rank.unwrap_or(0) % NEAR;
            self.planner_at = ctx.now + ctx.settings.watch_interval * place / NEAR;
        }
        self.planner_at = self.planner_at.min(ctx.now + self.pause_of_looks(ctx));
        let heads = self.planner.iter().chain(self.standbys.iter());
        watch.watch_heads(heads.filter(|id| **id != self.me).cloned().collect());
    }

    /// While this session is the planner: the standbys that it named.
    pub(in crate::coordinator) fn name_standbys(&mut self, standbys: &Standbys, now: Time) {
        self.standbys.clone_from(standbys);
        self.partner.follow(standbys.first.clone(), now);
    }

    /// A session's row was read. If it is the partner's, the first standby moves its own readings
    /// of all sessions to the phase opposite to the planner's, so that the two together read every
    /// session twice in a watch interval.
    pub(in crate::coordinator) fn on_seen(
        &mut self,
        row: &Session,
        watch: &mut Watch,
        ctx: &mut Context,
    ) {
        self.look_at_standbys(row, watch, ctx);
        let partner = self.partner.on_seen(row, watch, ctx);
        if !partner || !self.keeps_to_a_phase() {
            return;
        }
        let interval = ctx.settings.watch_interval;
        let read_at = ctx.now - Duration::from_millis(u64::from(row.report.watched));
        let mut mine = read_at + interval / 2;
        while mine <= ctx.now {
            mine = mine + interval;
        }
        let planned = watch.lists_at();
        if planned != Time::NEVER && planned.since(mine).max(mine.since(planned)) > interval / 8 {
            watch.watch_all_from(mine);
        }
    }

    /// The planner is silent: a session that does not read all sessions finds out whether the
    /// standbys are silent, too. Only then may it end the planner's session.
    fn look_at_standbys(&self, row: &Session, watch: &mut Watch, ctx: &mut Context) {
        let is_planner = self.planner.as_ref() == Some(&row.id);
        if !is_planner || self.planner_at == Time::NEVER || !watch.is_unchanged(&row.id) {
            return;
        }
        for id in self.standbys.iter().filter(|id| **id != self.me) {
            if !ctx.ended.contains(id) {
                watch.look(id, ctx);
            }
        }
    }

    /// A session has ended. If it was the planner's, the planner's lease is free.
    pub(in crate::coordinator) fn on_ended(&mut self, id: &SessionId, ctx: &mut Context) {
        self.partner.on_ended(id);
        if self.planner.as_ref() == Some(id) && self.term.is_none() {
            // The standby reads it at once; each further place waits a little longer.
            let rank = self.rank.unwrap_or(NEAR).min(NEAR);
            let pause = ctx.settings.fast_poll * rank.saturating_sub(1);
            self.look_at = self.look_at.min(ctx.now + pause);
        }
    }

    /// Takes the answers about the planner's lease, and about the session of its owner.
    pub(in crate::coordinator) fn on_answer(
        &mut self,
        answer: Reply,
        watch: &mut Watch,
        ctx: &mut Context,
    ) {
        match answer {
            Reply::PlannersRow(Ok(row)) => {
                self.looking = false;
                self.judge(row, watch, ctx);
            }
            Reply::CreatePlannersRow(Ok(write)) => {
                self.looking = false;
                self.judge(write.into_row(), watch, ctx);
            }
            Reply::PlannersRow(Err(_)) | Reply::CreatePlannersRow(Err(_)) => {
                self.looking = false;
                self.look_soon(ctx);
            }
            Reply::Take(epoch, answer) => self.on_taken(epoch, answer, watch, ctx),
            Reply::Owner(id, Ok(row)) => {
                if row.is_none_or(|row| row.has_ended()) {
                    ctx.note_ended(&id);
                    self.look_now(ctx);
                }
            }
            Reply::Owner(_, Err(_)) => {}
            Reply::StepDown(Ok(_)) => {
                ctx.signal(Signal::SteppedDown);
            }
            Reply::StepDown(Err(_)) => self.look_soon(ctx),
        }
    }

    /// Judges the row of the planner's lease, and takes the next step.
    fn judge(&mut self, row: Option<Lease>, watch: &mut Watch, ctx: &mut Context) {
        let Some(row) = row else {
            self.looking = true;
            let row = Lease::new(LeaseKey::planner(), Checkpoint::TrimHorizon);
            return ctx.ask(op::Create(row), request::CreatePlannersRow);
        };
        ctx.epochs.saw(&row, ctx.now);
        if let Some(term) = self.term {
            if !row.is_held_by(&self.me, term) {
                self.depose(ctx);
            }
            return;
        }
        match &row.owner {
            Some(owner) if *owner == self.me && !takes_its_own_row_anew() => {}
            Some(owner) if *owner != self.me && !ctx.ended.contains(owner) => {
                if self.planner.as_ref() != Some(owner) {
                    self.standbys = self.standbys.without(owner);
                    self.follow(owner.clone(), watch, ctx);
                    ctx.signal(Signal::Follows(owner.clone()));
                }
                if self.rank.is_none() {
                    let row = op::Session(owner.clone(), Consistency::Strong);
                    ctx.ask(row, request::Owner(owner.clone()));
                }
            }
            // It is free; or it names this session, which is not the planner: an acquire was
            // applied late, and is made anew.
            _ => {
                sometimes!(OwnPlannerRowTaken, row.owner.as_ref() == Some(&self.me));
                self.take(&row, ctx);
            }
        }
    }

    /// Acquires the planner's lease, unless this session is not valid, or leaves.
    fn take(&mut self, row: &Lease, ctx: &mut Context) {
        if self.leaving || !ctx.valid || self.taking.is_some() {
            return;
        }
        let epoch = ctx.epochs.next(row.epoch, ctx.now);
        self.taking = Some(epoch);
        let acquire = Acquire::new(row, self.me.clone(), epoch);
        ctx.ask(op::Acquire(acquire), request::Take(epoch));
    }

    /// The acquire of the planner's lease was answered. A grant that comes too late, when the
    /// session is not valid, is not used: the row is then acquired anew.
    fn on_taken(
        &mut self,
        epoch: Epoch,
        answer: Answered<op::Acquire>,
        watch: &mut Watch,
        ctx: &mut Context,
    ) {
        if self.taking != Some(epoch) {
            return;
        }
        self.taking = None;
        match answer {
            Ok(Write::Done(_)) if ctx.valid && !self.leaving => {
                sometimes!(StandbyElected, self.is_first());
                sometimes!(SecondElected, self.stands_by() && !self.is_first());
                sometimes!(OtherElected, self.rank.is_some_and(|rank| rank > 2));
                self.term = Some(epoch);
                self.planner = Some(self.me.clone());
                self.standbys = self.standbys.without(&self.me);
                self.planner_at = Time::NEVER;
                self.partner.follow(None, ctx.now);
                self.look_at = ctx.now + ctx.settings.audit_interval;
                ctx.signal(Signal::Elected(epoch));
            }
            Ok(Write::Refused(row)) => self.judge(row, watch, ctx),
            _ => self.look_soon(ctx),
        }
    }

    /// This session is the planner no more: it met a plan of a higher term, or its lease names
    /// another owner or epoch.
    pub(in crate::coordinator) fn depose(&mut self, ctx: &mut Context) {
        if self.term.take().is_some() {
            self.rank = None;
            self.planner = None;
            self.standbys = Standbys::default();
            self.partner.follow(None, ctx.now);
            self.look_now(ctx);
            ctx.signal(Signal::Deposed);
        }
    }

    /// Releases the planner's lease, to the first standby if there is one.
    pub(in crate::coordinator) fn step_down(&mut self, ctx: &mut Context) {
        let Some(term) = self.term else { return };
        self.stepping_down = true;
        self.look_at = Time::NEVER;
        let release = Release::new(LeaseKey::planner(), self.me.clone(), term)
            .to(self.standbys.first.clone());
        ctx.ask(op::Release(release), request::StepDown);
    }

    fn look_soon(&mut self, ctx: &Context) {
        self.look_at = ctx.now + ctx.settings.fast_poll;
    }

    /// Whether this session is the first standby.
    fn is_first(&self) -> bool {
        self.term.is_none() && self.standbys.first.as_ref() == Some(&self.me)
    }

    /// Whether this session is a standby.
    fn stands_by(&self) -> bool {
        self.term.is_none() && self.standbys.contains(&self.me)
    }

    /// Whether this session reads all sessions without being the planner: both standbys do.
    fn watches_all(&self) -> bool {
        self.stands_by() && (self.is_first() || !planted!(SecondDoesNotWatch))
    }

    /// Whether this session reads all sessions at the phase opposite to the planner's: the first
    /// standby does.
    fn keeps_to_a_phase(&self) -> bool {
        self.is_first() && !planted!(WatchersInPhase)
    }

    /// How long until the planner's lease is read next.
    fn pause(&self, ctx: &Context) -> Duration {
        match self.rank {
            _ if self.term.is_some() => ctx.settings.audit_interval,
            Some(3..) if !others_look() => NEVER,
            Some(rank) if rank > NEAR => LOOK_FAR,
            Some(1..) => LOOK_NEAR,
            _ => ctx.settings.watch_interval,
        }
    }

    /// How long until the planner's session is read next, for a session that does not read all
    /// sessions.
    fn pause_of_looks(&self, ctx: &Context) -> Duration {
        match self.rank {
            Some(3..) if !others_look() => NEVER,
            Some(rank) if rank > NEAR => LOOK_FAR,
            _ => ctx.settings.watch_interval,
        }
    }
}
