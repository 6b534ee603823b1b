//! Moves of leases between live workers: make before break (PROTOCOL rule 8).
//!
//! First the new owner's document names the lease, so that the new owner polls its row. Once the
//! new owner has confirmed that (an *echo*: its beat says which document it has seen), the old
//! owner's document gives the lease away. If the old owner does not release it in time, the new
//! owner's document orders it to take the lease by force. For each lease:
//!
//! | stage | when | then | request to the store |
//! |---|---|---|---|
//! | – | the plan gives it to another session than its live owner | announced | – |
//! | announced | the new owner has confirmed its document | ordered | – (the documents are published) |
//! | announced | it is time to check for that echo | announced | read the session of the new owner, or all sessions |
//! | ordered | the old owner's document is stored | ordered | – (it waits for the echo) |
//! | ordered | the old owner has confirmed it | ordered | – (it waits for the handoff timeout) |
//! | ordered | that time is over | ordered | read the row of the lease |
//! | ordered | the row still names the old owner and epoch | forced | wake the old owner (the documents are published) |
//! | ordered | the row names another owner or epoch | – | – (a plan is made) |
//! | ordered | the row could not be read | ordered | read the row again, after `fast_poll` |
//! | any | the plan, the row's owner or its epoch has changed | – | – |

pub(in crate::coordinator) mod request;
mod stage;
mod waits;

#[cfg(test)]
mod tests;

pub(super) use stage::{Move, Stage};

use std::{collections::BTreeMap, time::Duration};

use self::{request::Reply, stage::AckPolls, waits::Waits};
use super::catalogue::{Catalogue, Fleet};
use crate::{
    coordinator::{command::Notice, context::Context, document::Assignment, op, watch::Watch},
    env::Time,
    lease::{Lease, LeaseKey, PlanVersion, SessionId},
    store::Consistency,
};

/// The most sessions that are read one by one for an expected echo; if there are more, all sessions
/// are listed.
const LOOKS_MAX: usize = 8;

/// The moves between live workers: see the module.
#[derive(Debug, Default)]
pub(super) struct Moves {
    /// The move of each lease that is under way.
    moves: BTreeMap<LeaseKey, Move>,
    /// Which moves wait for which echo, and until when.
    waits: Waits,
    /// When each lease last started to move between live workers.
    moved_at: BTreeMap<LeaseKey, Time>,
    /// When the sessions are read whose echo is awaited.
    echoes: AckPolls,
}

/// The action of the planner after moves have reached a new stage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    Nothing,
    /// Publish the documents: they should say something else now.
    Publish,
    /// Make a plan: a row is not as it was.
    Plan,
}

impl Moves {
    pub(super) fn iter(&self) -> impl Iterator<Item = (&LeaseKey, &Move)> {
        self.moves.iter()
    }

    /// The stage of a lease's move; `None` if it does not move.
    pub(super) fn stage_of(&self, key: &LeaseKey) -> Option<&Stage> {
        self.moves.get(key).map(|moving| &moving.stage)
    }

    /// When a lease last started to move between live workers.
    pub(super) fn moved_at(&self, key: &LeaseKey) -> Option<Time> {
        self.moved_at.get(key).copied()
    }

    /// The session that the owner of this row was ordered to give it to.
    pub(super) fn ordered_to(&self, row: &Lease) -> Option<&SessionId> {
        let moving = self.moves.get(&row.key)?;
        let ordered = moving.stage != Stage::Announced && row.owner.as_ref() == Some(&moving.from);
        ordered.then_some(&moving.to)
    }

    /// Brings the moves in line with a new plan. A move goes on if row and target are the same.
    /// Returns how many moves start.
    pub(super) fn follow<'p>(
        &mut self,
        desired: impl Iterator<Item = (&'p LeaseKey, &'p SessionId)>,
        catalogue: &Catalogue,
        now: Time,
    ) -> usize {
        let mut started = 0;
        let mut moves = BTreeMap::new();
        for (key, to) in desired {
            let Some(row) = catalogue.rows.get(key) else { continue };
            let Some(from) = row.owner.as_ref().filter(|owner| *owner != to) else { continue };
            if !catalogue.fleet.is_alive(from) {
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
                Move { from, epoch: row.epoch, to, stage: Stage::first() }
            });
            moves.insert(key.clone(), moving);
        }
        self.waits = Waits::of(&moves);
        self.moves = moves;
        self.moved_at.retain(|key, _| catalogue.rows.contains_key(key));
        started
    }

    /// Moves the lease on to this stage.
    fn restage(&mut self, key: &LeaseKey, stage: Stage) {
        if let Some(moving) = self.moves.get_mut(key) {
            self.waits.remove(key, moving);
            moving.stage = stage;
            self.waits.add(key, moving);
        }
    }

    /// A document was published: the waiting time of the orders in it starts.
    pub(super) fn on_published(&mut self, document: &Assignment, ctx: &Context) {
        let silent = ctx.settings.session_timeout + ctx.settings.handoff_timeout;
        for give in &document.gives {
            if let Some(Stage::Ordered { published: None, seen_at, .. }) = self.stage_of(&give.key)
            {
                let seen_at = *seen_at;
                let published = Some(document.version);
                // For an owner that beats but never confirms the order.
                let look_at = ctx.now + silent;
                self.restage(&give.key, Stage::Ordered { published, seen_at, look_at });
            }
        }
    }

    /// For each move whose echo came, goes to the next stage; reads the rows of moves whose time is
    /// over. `knows` says whether a session has confirmed the document that it should have, and
    /// that document is stored.
    pub(super) fn go_on(
        &mut self,
        knows: impl Fn(&SessionId) -> bool,
        fleet: &Fleet,
        ctx: &mut Context,
    ) -> Next {
        let heard = self.waits.heard(|echo| match echo.version {
            None => knows(&echo.session),
            Some(version) => fleet.seen_by(&echo.session) >= version,
        });
        let mut next = Next::Nothing;
        for key in heard {
            match self.stage_of(&key) {
                Some(Stage::Announced) => {
                    self.restage(&key, Stage::ordered());
                    next = Next::Publish;
                }
                Some(Stage::Ordered { published, .. }) => {
                    let (published, seen_at) = (*published, Some(ctx.now));
                    let look_at = ctx.now + patience(ctx);
                    self.restage(&key, Stage::Ordered { published, seen_at, look_at });
                }
                Some(Stage::Forced) | None => {}
            }
        }
        self.look_at_due(ctx);
        next
    }

    /// Reads the rows of leases that should have been released by now.
    fn look_at_due(&mut self, ctx: &mut Context) {
        for key in self.waits.due(ctx.now) {
            if let Some(Stage::Ordered { published: Some(order), seen_at, .. }) =
                self.stage_of(&key)
            {
                let (order, seen_at) = (*order, *seen_at);
                let (published, look_at) = (Some(order), Time::NEVER);
                self.restage(&key, Stage::Ordered { published, seen_at, look_at });
                ctx.ask(op::Lease(key.clone()), request::Row(key, order));
            }
        }
    }

    /// Reads the sessions of new owners, if it is time, to see whether they have confirmed their
    /// documents. `me` is the planner's session, whose echo needs no read.
    pub(super) fn look_for_echoes(&mut self, me: &SessionId, watch: &mut Watch, ctx: &mut Context) {
        let waiting = self.waits.unaware().filter(|to| *to != me).take(LOOKS_MAX + 1);
        let waiting: Vec<&SessionId> = waiting.collect();
        if waiting.is_empty() {
            self.echoes = AckPolls::default();
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

    pub(super) fn on_answer(&mut self, answer: Reply, ctx: &mut Context) -> Next {
        match answer {
            Reply::Row(key, order, Ok(row)) => self.on_row(&key, order, row.as_ref(), ctx),
            Reply::Row(key, order, Err(_)) => {
                self.look_later(&key, order, ctx);
                Next::Nothing
            }
        }
    }

    /// The row of a lease that should have been released was read. If it still names the old owner
    /// and epoch, the lease is taken by force.
    fn on_row(
        &mut self,
        key: &LeaseKey,
        order: PlanVersion,
        row: Option<&Lease>,
        ctx: &mut Context,
    ) -> Next {
        let Some(moving) = self.moves.get(key) else { return Next::Nothing };
        let Stage::Ordered { published: Some(published), seen_at, .. } = &moving.stage else {
            return Next::Nothing;
        };
        if !is_same_order(*published, order) {
            sometimes!(LookOutlivedItsOrder);
            return Next::Nothing;
        }
        if !row.is_some_and(|row| row.is_held_by(&moving.from, moving.epoch)) {
            // It was released, or has changed otherwise: the next plan uses the new row.
            self.waits.remove(key, moving);
            self.moves.remove(key);
            return Next::Plan;
        }
        let (from, overlap) = (moving.from.clone(), seen_at.is_none());
        sometimes!(HandoffForcedByTimeout, !overlap);
        sometimes!(DeafOwnerForced, overlap);
        self.restage(key, Stage::Forced);
        ctx.notify(Notice::Forced { key: key.clone(), from: from.clone(), overlap });
        ctx.wake(&from);
        Next::Publish
    }

    /// Sets a later time for reading the row, since the read failed.
    fn look_later(&mut self, key: &LeaseKey, order: PlanVersion, ctx: &Context) {
        if let Some(Stage::Ordered { published, seen_at, .. }) = self.stage_of(key)
            && *published == Some(order)
        {
            let (published, seen_at) = (*published, *seen_at);
            let look_at = ctx.now + ctx.settings.fast_poll;
            self.restage(key, Stage::Ordered { published, seen_at, look_at });
        }
    }

    pub(super) fn next_wake(&self) -> Time {
        self.waits.next_look().min(self.echoes.at)
    }
}

/// How long the old owner may take after it has confirmed the order to give the lease away.
fn patience(ctx: &Context) -> Duration {
    if planted!(ForcedWithoutWaiting) { Duration::ZERO } else { ctx.settings.handoff_timeout }
}

/// Whether the row was read for the order that counts now, and not for an earlier one.
fn is_same_order(published: PlanVersion, looked_for: PlanVersion) -> bool {
    published == looked_for || planted!(ForcedForAnEarlierOrder)
}
