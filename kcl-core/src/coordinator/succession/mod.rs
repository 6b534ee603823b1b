//! Who plans: looking at the planner's lease, taking it, and who looks how often.
//!
//! PROTOCOL rule 6. The planner and the two standbys it names watch all sessions; the
//! planner and the first of them follow each other closely. The next in the order of succession
//! look at the planner every watch interval, and at the standbys when it is silent; the others look
//! now and then. Nothing here is needed for safety: the planner's lease is taken by compare-and-set
//! like any other.
//!
//! | I am | when | then I am | and I ask for |
//! |---|---|---|---|
//! | no planner | it is time to look | the same | the planner's lease |
//! | no planner | there is no such lease | the same | its row to be put |
//! | no planner | it is free, its owner has ended, or it is mine of old | taking it | the lease, under the next epoch |
//! | no planner | it is another's | a follower of that one | its session, while I have no rank |
//! | no planner | my document names the heads and my place | a follower | as often as my place says: the planner's lease and session, or, as a standby, all sessions |
//! | a follower | a look finds no new beat of the planner | the same | the standbys' sessions, unless I watch all |
//! | a head | my partner's next beat is expected | the same | its session, until it shows the beat or is overdue |
//! | the first standby | the planner's row tells when it read all sessions | the same | all sessions, at the opposite phase |
//! | a follower | the planner's session ends | the same | the lease, the sooner the nearer I am |
//! | taking it | it is granted, and I am valid and stay | the planner | – |
//! | taking it | it is refused | no planner | what the row then says |
//! | taking it | there is no answer | no planner | the lease, a little later |
//! | the planner | its row is not mine any more, or I am outranked | no planner | the lease, at once |
//! | the planner | I step down | the same | the lease's release, to the standby |
//! | the planner | that is answered | gone | – |

mod partner;
pub(super) mod request;
pub(super) mod signal;

/// Whether who finds the planner's lease to be its own, and does not plan, takes it anew.
fn takes_its_own_row_anew() -> bool {
    !planted!(OwnPlannerRowLeft)
}

/// Whether those that are no heads look whether somebody plans.
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

/// How often the planner's lease is read by those that are near in the order of succession, and by
/// the others.
const LOOK_NEAR: Duration = Duration::from_secs(5);
const LOOK_FAR: Duration = Duration::from_secs(30);

/// So rarely that it is never, for a bug that is planted.
const NEVER: Duration = Duration::from_secs(3_600);

/// Who plans, as far as I know.
#[derive(Debug)]
pub(in crate::coordinator) struct Succession {
    me: SessionId,
    planner: Option<SessionId>,
    standbys: Standbys,
    rank: Option<u32>,
    /// My term, while I plan.
    term: Option<Epoch>,
    taking: Option<Epoch>,
    looking: bool,
    look_at: Time,
    /// When the planner's session is looked at next, by who does not watch all.
    planner_at: Time,
    partner: Partner,
    leaving: bool,
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

    /// Who follows the planner, as far as I know; while I plan, whom I named.
    pub(in crate::coordinator) const fn standbys(&self) -> &Standbys {
        &self.standbys
    }

    /// The worker leaves: it takes the planner's lease no more.
    pub(in crate::coordinator) const fn start_leaving(&mut self) {
        self.leaving = true;
    }

    /// Looks at the planner's lease at once.
    pub(in crate::coordinator) fn look_now(&mut self, ctx: &Context) {
        self.look_at = ctx.now;
    }

    pub(in crate::coordinator) fn next_wake(&self) -> Time {
        let look = if self.looking || self.taking.is_some() { Time::NEVER } else { self.look_at };
        look.min(self.planner_at).min(self.partner.look_at())
    }

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

    /// Learns from my newest assignment document.
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

    /// Who plans is known: watches everybody, or looks at those who do.
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
            // Not all at once: those that are near share the interval.
            let place = self.rank.unwrap_or(0) % NEAR;
            self.planner_at = ctx.now + ctx.settings.watch_interval * place / NEAR;
        }
        self.planner_at = self.planner_at.min(ctx.now + self.pause_of_looks(ctx));
        let heads = self.planner.iter().chain(self.standbys.iter());
        watch.watch_heads(heads.filter(|id| **id != self.me).cloned().collect());
    }

    /// While I plan: whom I named to follow me.
    pub(in crate::coordinator) fn name_standbys(&mut self, standbys: &Standbys, now: Time) {
        self.standbys.clone_from(standbys);
        self.partner.follow(standbys.first.clone(), now);
    }

    /// A session was seen. Following the partner, and keeping to the phase opposite to its own
    /// readings of all sessions, so that every session is seen twice per watch interval.
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

    /// The planner is silent: whether the standbys are, too, is what those find out that do not
    /// watch all. Only then is it theirs to end the planner's session.
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

    /// A session has ended. If it was the planner's, its lease is free.
    pub(in crate::coordinator) fn on_ended(&mut self, id: &SessionId, ctx: &mut Context) {
        self.partner.on_ended(id);
        if self.planner.as_ref() == Some(id) && self.term.is_none() {
            // The standby comes first; the others give those before them a moment and then look.
            let rank = self.rank.unwrap_or(NEAR).min(NEAR);
            let pause = ctx.settings.fast_poll * rank.saturating_sub(1);
            self.look_at = self.look_at.min(ctx.now + pause);
        }
    }

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

    /// Decides what the planner's row means to me.
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
            // Free; or mine, and I do not plan: an acquire landed late, and is made anew.
            _ => {
                sometimes!(OwnPlannerRowTaken, row.owner.as_ref() == Some(&self.me));
                self.take(&row, ctx);
            }
        }
    }

    fn take(&mut self, row: &Lease, ctx: &mut Context) {
        if self.leaving || !ctx.valid || self.taking.is_some() {
            return;
        }
        let epoch = ctx.epochs.next(row.epoch, ctx.now);
        self.taking = Some(epoch);
        let acquire = Acquire::new(row, self.me.clone(), epoch);
        ctx.ask(op::Acquire(acquire), request::Take(epoch));
    }

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

    /// A plan of a higher term was met, or the planner's lease is not mine any more.
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

    /// Gives the planner's lease back, for `successor` if there is one.
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

    /// Whether I am the one that plans next.
    fn is_first(&self) -> bool {
        self.term.is_none() && self.standbys.first.as_ref() == Some(&self.me)
    }

    /// Whether I am one of those that watch all sessions beside the planner.
    fn stands_by(&self) -> bool {
        self.term.is_none() && self.standbys.contains(&self.me)
    }

    /// Whether I read all sessions: both standbys do.
    fn watches_all(&self) -> bool {
        self.stands_by() && (self.is_first() || !planted!(SecondDoesNotWatch))
    }

    /// Whether I read them at the phase opposite to the planner's: the first standby does.
    fn keeps_to_a_phase(&self) -> bool {
        self.is_first() && !planted!(WatchersInPhase)
    }

    /// How long until the next look at the planner's lease.
    fn pause(&self, ctx: &Context) -> Duration {
        match self.rank {
            _ if self.term.is_some() => ctx.settings.audit_interval,
            Some(3..) if !others_look() => NEVER,
            Some(rank) if rank > NEAR => LOOK_FAR,
            Some(1..) => LOOK_NEAR,
            _ => ctx.settings.watch_interval,
        }
    }

    /// How long until the next look at the planner's session, for who does not watch all.
    fn pause_of_looks(&self, ctx: &Context) -> Duration {
        match self.rank {
            Some(3..) if !others_look() => NEVER,
            Some(rank) if rank > NEAR => LOOK_FAR,
            _ => ctx.settings.watch_interval,
        }
    }
}
