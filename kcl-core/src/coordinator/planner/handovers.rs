//! Leases on their way from one live worker to another: make before break.
//!
//! First the new owner's document names the lease; once it has said that it saw that, the old
//! owner's document gives the lease away; an owner that does not release it in time has it taken by
//! force.

use std::collections::BTreeMap;

use super::{
    Planner, ask,
    moves::{EchoLooks, Move, Stage},
};
use crate::{
    coordinator::{
        command::Notice,
        context::Context,
        document::{Assignment, Give, Hold, How, Origin},
        op,
        timed::Timed,
        watch::Watch,
    },
    env::Time,
    lease::{Lease, LeaseKey, PlanVersion, SessionId},
    store::Consistency,
};

/// Sessions looked at one by one for an expected echo; beyond, all are read at once.
const LOOKS_MAX: usize = 8;

impl Planner {
    /// What a worker's document should say now.
    pub(super) fn document_for(&self, session: &SessionId, ctx: &Context) -> Assignment {
        let mut holds = Vec::new();
        let mut gives = Vec::new();
        for (key, wanted) in &self.desired {
            if wanted == session {
                holds.push(Hold { key: key.clone(), from: self.origin(key, session) });
            }
        }
        for (key, moving) in self.moves.iter().filter(|(_, m)| m.from == *session) {
            if moving.stage == Stage::Announced {
                holds.push(Hold { key: key.clone(), from: None });
            } else {
                let to = Some(moving.to.clone());
                gives.push(Give { key: key.clone(), epoch: moving.epoch, to });
            }
        }
        for (key, row) in &self.rows {
            let owned = row.owner.as_ref() == Some(session);
            if owned && !self.desired.contains_key(key) && !row.has_ended() && !key.is_role() {
                gives.push(Give { key: key.clone(), epoch: row.epoch, to: None });
            }
        }
        holds.sort_by(|a, b| a.key.cmp(&b.key));
        let patience = u64::try_from(ctx.settings.handoff_timeout.as_millis()).ok();
        let give_within = patience.filter(|_| !gives.is_empty() && !planted!(PatienceNotTold));
        Assignment {
            version: PlanVersion::NONE,
            session: session.clone(),
            planner: self.me.clone(),
            standby: self.fleet.standbys().first.clone(),
            second: self.fleet.standbys().second.clone(),
            rank: self.fleet.rank(session, &self.me),
            takes_children: !self.may_have_rules(),
            start: self.told_start(ctx),
            holds,
            gives,
            give_within,
        }
    }

    /// How the row of a wished lease was seen, when its new owner does not hold it.
    fn origin(&self, key: &LeaseKey, session: &SessionId) -> Option<Origin> {
        let row = self.rows.get(key)?;
        if row.owner.as_ref() == Some(session) {
            return None;
        }
        let lives = || row.owner.as_ref().is_some_and(|owner| self.fleet.is_alive(owner));
        let how = match self.moves.get(key).map(|m| &m.stage) {
            // The row was read anew since the moves were planned.
            None if lives() => How::Wait,
            None => How::Free,
            Some(Stage::Forced) => How::Force,
            Some(_) => How::Wait,
        };
        Some(Origin { owner: row.owner.clone(), epoch: row.epoch, how })
    }

    /// Brings the moves in line with a new plan. Answers how many leases start to move.
    pub(super) fn plan_moves(&mut self, now: Time) -> usize {
        let mut started = 0;
        let mut moves = BTreeMap::new();
        for (key, to) in &self.desired {
            let Some(row) = self.rows.get(key) else { continue };
            let Some(from) = row.owner.as_ref().filter(|owner| *owner != to) else { continue };
            if !self.fleet.is_alive(from) {
                continue;
            }
            let same = self
                .moves
                .get(key)
                .filter(|old| old.from == *from && old.epoch == row.epoch && old.to == *to);
            let moving = same.cloned().unwrap_or_else(|| {
                started += 1;
                self.moved_at.insert(key.clone(), now);
                let (from, to) = (from.clone(), to.clone());
                let stage =
                    if planted!(MovesNotStaged) { Stage::ordered() } else { Stage::Announced };
                Move { from, epoch: row.epoch, to, stage }
            });
            moves.insert(key.clone(), moving);
        }
        self.moves = moves;
        self.moved_at.retain(|key, _| self.rows.contains_key(key));
        started
    }

    /// A document was published: orders in it count from now.
    pub(super) fn note_publication(&mut self, document: &Assignment, ctx: &Context) {
        let silent = ctx.settings.session_timeout + ctx.settings.handoff_timeout;
        for give in &document.gives {
            if let Some(Stage::Ordered { published: published @ None, look_at, .. }) =
                self.moves.get_mut(&give.key).map(|moving| &mut moving.stage)
            {
                *published = Some(document.version);
                // An owner that beats but never says that it saw the order.
                *look_at = ctx.now + silent;
            }
        }
    }

    /// Moves whose new owner has said that it knows go on; those overdue are looked at.
    pub(super) fn drive_moves(&mut self, watch: &mut Timed<Watch>, ctx: &mut Context) {
        let mut ordered = false;
        let mut waiting: Vec<SessionId> = Vec::new();
        let desks = &self.desks;
        let fleet = &self.fleet;
        for (key, moving) in &mut self.moves {
            match &mut moving.stage {
                Stage::Announced => {
                    let desk = desks.get(&moving.to.worker);
                    if desk.is_some_and(|desk| desk.is_echoed_by(&moving.to, fleet)) {
                        moving.stage = Stage::ordered();
                        ordered = true;
                    } else if !waiting.contains(&moving.to) && moving.to != self.me {
                        waiting.push(moving.to.clone());
                    }
                }
                Stage::Ordered { published: Some(version), seen_at, look_at } => {
                    if seen_at.is_none() && fleet.seen_by(&moving.from) >= *version {
                        *seen_at = Some(ctx.now);
                        *look_at = ctx.now + ctx.settings.handoff_timeout;
                        if planted!(ForcedWithoutWaiting) {
                            *look_at = ctx.now;
                        }
                    }
                    if *look_at <= ctx.now {
                        *look_at = Time::NEVER;
                        ctx.ask(op::Lease(key.clone()), ask::MoveRow(key.clone(), *version));
                    }
                }
                Stage::Ordered { .. } | Stage::Forced => {}
            }
        }
        if ordered {
            self.publish(ctx);
        }
        self.look_for_echoes(&waiting, watch, ctx);
    }

    fn look_for_echoes(
        &mut self,
        waiting: &[SessionId],
        watch: &mut Timed<Watch>,
        ctx: &mut Context,
    ) {
        if waiting.is_empty() {
            self.echoes = EchoLooks::default();
        } else if self.echoes.are_due(ctx) {
            if waiting.len() > LOOKS_MAX {
                watch.list(Consistency::Eventual, ctx);
            } else {
                for id in waiting {
                    watch.look(id, ctx);
                }
            }
        }
    }

    /// The row of a lease that should have moved by now, as `order` said: if it has not, it is
    /// taken by force.
    pub(super) fn on_move_row(
        &mut self,
        key: &LeaseKey,
        order: PlanVersion,
        row: Option<&Lease>,
        ctx: &mut Context,
    ) {
        let Some(moving) = self.moves.get_mut(key) else { return };
        let Stage::Ordered { published: Some(published), seen_at, .. } = &moving.stage else {
            return;
        };
        if *published != order && !planted!(ForcedForAnEarlierOrder) {
            sometimes!(LookOutlivedItsOrder);
            return;
        }
        if !row.is_some_and(|row| row.is_held_by(&moving.from, moving.epoch)) {
            // It has moved, or something else became of it: the next plan will see.
            self.moves.remove(key);
            return self.plan_soon(ctx);
        }
        let (from, overlap) = (moving.from.clone(), seen_at.is_none());
        sometimes!(HandoffForcedByTimeout, !overlap);
        sometimes!(DeafOwnerForced, overlap);
        moving.stage = Stage::Forced;
        ctx.notify(Notice::Forced { key: key.clone(), from: from.clone(), overlap });
        ctx.wake(&from);
        self.publish(ctx);
    }

    pub(super) fn look_at_move_later(&mut self, key: &LeaseKey, order: PlanVersion, ctx: &Context) {
        if let Some(Stage::Ordered { published: Some(published), look_at, .. }) =
            self.moves.get_mut(key).map(|moving| &mut moving.stage)
            && *published == order
        {
            *look_at = ctx.now + ctx.settings.fast_poll;
        }
    }

    pub(super) fn next_move(&self) -> Time {
        let looks = self.moves.values().map(|moving| match &moving.stage {
            Stage::Ordered { look_at, .. } => *look_at,
            _ => Time::NEVER,
        });
        looks.min().unwrap_or(Time::NEVER).min(self.echoes.at)
    }
}
