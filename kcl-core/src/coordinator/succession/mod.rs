//! Who plans: looking at the planner's lease, taking it, and who looks how often.
//!
//! ARCHITECTURE §4 rule 6. The planner and the standby it names follow each other closely; the
//! other workers, ranked by the planner, look at both now and then. Nothing here is needed for
//! safety: the planner's lease is taken by compare-and-set like any other.

mod partner;

use std::time::Duration;

use self::partner::Partner;
use super::{
    Assignment,
    call::{StoreCall, StoreOutcome, StoreReply},
    context::{Context, Purpose},
    timed::Timed,
    watch::Watch,
};
use crate::{
    env::Time,
    lease::{Acquire, Checkpoint, Epoch, Lease, LeaseKey, Release, Session, SessionId, Write},
    store::Consistency,
};

/// Seconds between two looks of the worker of rank k: 5 k, at most 30.
const LOOK_PER_RANK: Duration = Duration::from_secs(5);
const LOOK_MAX: Duration = Duration::from_secs(30);

/// What the succession asked the store for.
#[derive(Clone, Debug)]
pub(in crate::coordinator) enum Ask {
    /// The planner's lease.
    Row,
    /// The row of the planner's lease, put because there was none.
    Create,
    /// The planner's lease for me, under this epoch.
    Take(Epoch),
    /// The session of the planner.
    Owner(SessionId),
    /// The planner's lease, given back.
    StepDown,
}

/// What the rest of the coordinator has to know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::coordinator) enum Signal {
    /// I plan from now on, in this term.
    Elected(Epoch),
    /// Somebody else plans, or nobody does.
    Deposed,
    /// A live session plans that I did not know of.
    Follows(SessionId),
    /// The planner's lease is given back.
    SteppedDown,
}

/// Who plans, as far as I know.
#[derive(Debug)]
pub(in crate::coordinator) struct Succession {
    me: SessionId,
    planner: Option<SessionId>,
    standby: Option<SessionId>,
    rank: Option<u32>,
    /// My term, while I plan.
    term: Option<Epoch>,
    taking: Option<Epoch>,
    looking: bool,
    look_at: Time,
    partner: Partner,
    leaving: bool,
    stepping_down: bool,
    valid: bool,
    signals: Vec<Signal>,
}

impl Succession {
    pub(in crate::coordinator) fn new(me: SessionId) -> Self {
        Self {
            me,
            planner: None,
            standby: None,
            rank: None,
            term: None,
            taking: None,
            looking: false,
            look_at: Time::NEVER,
            partner: Partner::default(),
            leaving: false,
            stepping_down: false,
            valid: false,
            signals: Vec::new(),
        }
    }

    pub(in crate::coordinator) fn take_signals(&mut self) -> Vec<Signal> {
        std::mem::take(&mut self.signals)
    }

    pub(in crate::coordinator) const fn planner(&self) -> Option<&SessionId> {
        self.planner.as_ref()
    }

    pub(in crate::coordinator) const fn set_valid(&mut self, valid: bool) {
        self.valid = valid;
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
        look.min(self.partner.look_at())
    }

    pub(in crate::coordinator) fn on_tick(&mut self, watch: &mut Timed<Watch>, ctx: &mut Context) {
        if self.stepping_down && self.term.is_some() && self.look_at <= ctx.now {
            self.step_down(ctx);
        } else if self.look_at <= ctx.now && !self.looking && self.taking.is_none() {
            self.looking = true;
            self.look_at = ctx.now + self.pause(ctx);
            ctx.ask(StoreCall::Lease(LeaseKey::planner()), Purpose::Succession(Ask::Row));
            if self.term.is_none() && !self.is_standby() {
                for id in [&self.planner, &self.standby].into_iter().flatten() {
                    if *id != self.me && !ctx.ended.contains(id) {
                        watch.look(id, ctx);
                    }
                }
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
        self.planner = Some(assignment.planner.clone());
        let was_standby = self.is_standby();
        self.standby.clone_from(&assignment.standby);
        self.rank = Some(assignment.rank);
        self.look_at = self.look_at.min(ctx.now + self.pause(ctx));
        if self.is_standby() {
            self.partner.follow(Some(assignment.planner.clone()), ctx.now);
            if !was_standby {
                watch.watch_all_from(ctx.now);
            }
        } else {
            self.partner.follow(None, ctx.now);
            let mut others = vec![assignment.planner.clone()];
            others.extend(assignment.standby.clone());
            watch.watch_only(others);
        }
    }

    /// While I plan: whom I named to follow me.
    pub(in crate::coordinator) fn name_standby(&mut self, standby: Option<SessionId>, now: Time) {
        if self.standby != standby {
            self.standby.clone_from(&standby);
            self.partner.follow(standby, now);
        }
    }

    /// A session was seen. Following the partner, and keeping to the phase opposite to its own
    /// readings of all sessions, so that every session is seen twice per watch interval.
    pub(in crate::coordinator) fn on_seen(
        &mut self,
        row: &Session,
        watch: &mut Watch,
        ctx: &Context,
    ) {
        let partner = self.partner.on_seen(row, watch, ctx) && !planted!(WatchersInPhase);
        if !partner || !self.is_standby() {
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

    /// A session has ended. If it was the planner's, its lease is free.
    pub(in crate::coordinator) fn on_ended(&mut self, id: &SessionId, ctx: &mut Context) {
        self.partner.on_ended(id);
        if self.planner.as_ref() == Some(id) && self.term.is_none() {
            // The standby comes first; the others give it a moment and then look.
            let rank = self.rank.unwrap_or(1);
            let pause = ctx.settings.fast_poll * rank.saturating_sub(1).min(10);
            self.look_at = self.look_at.min(ctx.now + pause);
        }
    }

    pub(in crate::coordinator) fn on_reply(
        &mut self,
        ask: Ask,
        outcome: StoreOutcome,
        watch: &mut Watch,
        ctx: &mut Context,
    ) {
        match (ask, outcome) {
            (Ask::Row, Ok(StoreReply::Lease(row))) => {
                self.looking = false;
                self.judge(row, watch, ctx);
            }
            (Ask::Create, Ok(StoreReply::LeaseWrite(write))) => {
                self.looking = false;
                self.judge(write.into_row(), watch, ctx);
            }
            (Ask::Row | Ask::Create, _) => {
                self.looking = false;
                self.look_soon(ctx);
            }
            (Ask::Take(epoch), outcome) => self.on_taken(epoch, outcome, watch, ctx),
            (Ask::Owner(id), Ok(StoreReply::Session(row))) => {
                if row.is_none_or(|row| row.has_ended()) {
                    ctx.note_ended(&id);
                    self.look_now(ctx);
                }
            }
            (Ask::Owner(_), _) => {}
            (Ask::StepDown, Ok(StoreReply::LeaseWrite(_))) => {
                self.signals.push(Signal::SteppedDown);
            }
            (Ask::StepDown, _) => self.look_soon(ctx),
        }
    }

    /// Decides what the planner's row means to me.
    fn judge(&mut self, row: Option<Lease>, watch: &mut Watch, ctx: &mut Context) {
        let Some(row) = row else {
            self.looking = true;
            let row = Lease::new(LeaseKey::planner(), Checkpoint::TrimHorizon);
            return ctx.ask(StoreCall::Create(row), Purpose::Succession(Ask::Create));
        };
        ctx.epochs.saw(&row, ctx.now);
        if let Some(term) = self.term {
            if !row.is_held_by(&self.me, term) {
                self.depose(ctx);
            }
            return;
        }
        match &row.owner {
            Some(owner) if *owner == self.me && planted!(OwnPlannerRowLeft) => {}
            Some(owner) if *owner != self.me && !ctx.ended.contains(owner) => {
                if self.planner.as_ref() != Some(owner) {
                    if !self.is_standby() {
                        watch.watch_only(vec![owner.clone()]);
                    }
                    self.planner = Some(owner.clone());
                    self.signals.push(Signal::Follows(owner.clone()));
                }
                if self.rank.is_none() {
                    let call = StoreCall::Session(owner.clone(), Consistency::Strong);
                    ctx.ask(call, Purpose::Succession(Ask::Owner(owner.clone())));
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
        if self.leaving || !self.valid || self.taking.is_some() {
            return;
        }
        let epoch = ctx.epochs.next(row.epoch, ctx.now);
        self.taking = Some(epoch);
        let acquire = Acquire::new(row, self.me.clone(), epoch);
        ctx.ask(StoreCall::Acquire(acquire), Purpose::Succession(Ask::Take(epoch)));
    }

    fn on_taken(
        &mut self,
        epoch: Epoch,
        outcome: StoreOutcome,
        watch: &mut Watch,
        ctx: &mut Context,
    ) {
        if self.taking != Some(epoch) {
            return;
        }
        self.taking = None;
        match outcome {
            Ok(StoreReply::LeaseWrite(Write::Done(_))) if self.valid && !self.leaving => {
                sometimes!(StandbyElected, self.is_standby());
                sometimes!(OtherElected, self.rank.is_some_and(|rank| rank > 1));
                self.term = Some(epoch);
                self.planner = Some(self.me.clone());
                self.standby = None;
                self.rank = Some(0);
                self.partner.follow(None, ctx.now);
                self.look_at = ctx.now + ctx.settings.audit_interval;
                self.signals.push(Signal::Elected(epoch));
            }
            Ok(StoreReply::LeaseWrite(Write::Refused(row))) => self.judge(row, watch, ctx),
            _ => self.look_soon(ctx),
        }
    }

    /// A plan of a higher term was met, or the planner's lease is not mine any more.
    pub(in crate::coordinator) fn depose(&mut self, ctx: &mut Context) {
        if self.term.take().is_some() {
            self.rank = None;
            self.planner = None;
            self.standby = None;
            self.partner.follow(None, ctx.now);
            self.look_now(ctx);
            self.signals.push(Signal::Deposed);
        }
    }

    /// Gives the planner's lease back, for `successor` if there is one.
    pub(in crate::coordinator) fn step_down(&mut self, ctx: &mut Context) {
        let Some(term) = self.term else { return };
        self.stepping_down = true;
        self.look_at = Time::NEVER;
        let release =
            Release::new(LeaseKey::planner(), self.me.clone(), term).to(self.standby.clone());
        ctx.ask(StoreCall::Release(release), Purpose::Succession(Ask::StepDown));
    }

    fn look_soon(&mut self, ctx: &Context) {
        self.look_at = ctx.now + ctx.settings.fast_poll;
    }

    fn is_standby(&self) -> bool {
        self.term.is_none() && self.standby.as_ref() == Some(&self.me)
    }

    /// How long until the next look.
    fn pause(&self, ctx: &Context) -> Duration {
        match self.rank {
            _ if self.term.is_some() => ctx.settings.audit_interval,
            Some(2..) if planted!(OthersNeverLook) => Duration::from_secs(3_600),
            Some(rank @ 1..) => (LOOK_PER_RANK * rank).min(LOOK_MAX),
            _ => ctx.settings.watch_interval,
        }
    }
}
