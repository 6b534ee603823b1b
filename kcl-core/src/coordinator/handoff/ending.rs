//! The end of a shard (PROTOCOL rule 9): put the children's rows, write the end with their ids, and
//! only *then* read the other parents.
//!
//! After a crash before the end is written the next owner repeats these steps; after a later
//! crash the planner puts the missing rows.

use super::{
    Handoff,
    checkpoints::CheckpointState,
    held::{Ending, HeldLease, Phase, Step},
    memory::Ended,
    request,
    signal::Signal,
    wanted::WantedLease,
};
use crate::{
    coordinator::{
        command::{LossReason, Notice},
        context::Context,
        document::Assignment,
        op::{self, Answered},
    },
    lease::{Advance, Checkpoint, Epoch, Lease, LeaseKey, Progress, Write},
    stream::{Shard, ShardId},
};

impl Handoff {
    /// The processor acknowledged the end of a shard that continues in `children`.
    pub(super) fn start_ending(&mut self, key: &LeaseKey, children: Vec<Shard>, ctx: &mut Context) {
        let Some(held) = self.held.get_mut(key) else { return };
        let names: Vec<ShardId> = children.iter().map(|child| child.id.clone()).collect();
        let rows = children.into_iter().filter_map(|child| {
            let key = key.sibling(&child.id)?;
            Some(Lease::new(key, start_of_a_child()).of_shard(child.parents, child.range))
        });
        let missing = names.iter().cloned().collect();
        let ending = Ending { children: rows.collect(), names, missing, step: Step::Waiting };
        held.phase = Phase::Ending(ending);
        self.go_on_ending(key, ctx);
    }

    /// Ends a shard whose row was acquired although the shard is known to have ended: no run
    /// starts. A store that lost the end may have lost the children's rows, too, so these are put
    /// first.
    pub(super) fn end_at_once(&mut self, row: Lease, ended: Ended, ctx: &mut Context) {
        let key = row.key.clone();
        let checkpoints = CheckpointState::new(row.checkpoint.clone(), row.checkpoint.clone());
        let Ended { names, rows: children } = ended;
        let missing = children.iter().filter_map(|child| child.key.shard()).collect();
        let ending = Ending { children, names, missing, step: Step::Waiting };
        let held =
            HeldLease { lease: row, phase: Phase::Ending(ending), checkpoints, stalled: false };
        self.held.insert(key.clone(), held);
        self.go_on_ending(&key, ctx);
    }

    /// Makes the calls of the present step: the missing rows, or the end.
    pub(super) fn go_on_ending(&mut self, key: &LeaseKey, ctx: &mut Context) {
        let Some(held) = self.held.get_mut(key) else { return };
        let epoch = held.epoch();
        let (_, progress) = held.checkpoints.newest();
        let Phase::Ending(ending) = &mut held.phase else { return };
        ending.step = Step::Waiting;
        if may_be_written(ending) {
            let end = Advance::new(key.clone(), self.me.clone(), epoch, Checkpoint::ShardEnd)
                .with_progress(Progress { lag: None, ..progress })
                .with_children(ending.names.clone());
            return ctx.ask(op::Advance(end), request::WriteEnd(key.clone(), epoch));
        }
        for child in &ending.children {
            let Some(id) = child.key.shard().filter(|id| ending.missing.contains(id)) else {
                continue;
            };
            ctx.ask(op::Create(child.clone()), request::PutChild(key.clone(), epoch, id));
        }
    }

    /// The row of a child was put. With the last one, the end is written.
    pub(super) fn on_child_put(
        &mut self,
        key: &LeaseKey,
        epoch: Epoch,
        child: &ShardId,
        answer: &Answered<op::Create>,
        ctx: &mut Context,
    ) {
        let again = ctx.now + ctx.settings.heartbeat_interval / 3;
        let Some(held) = self.held.get_mut(key).filter(|t| t.epoch() == epoch) else {
            return;
        };
        let Phase::Ending(ending) = &mut held.phase else { return };
        match answer {
            // The row was put, or it exists already.
            Ok(Write::Done(_) | Write::Refused(Some(_))) => {
                ending.missing.remove(child);
                if ending.missing.is_empty() {
                    self.go_on_ending(key, ctx);
                }
            }
            _ => ending.step = Step::Again(again),
        }
    }

    /// The end was written, or refused. A row that shows the end counts as written by this session.
    pub(super) fn on_end_written(
        &mut self,
        key: &LeaseKey,
        epoch: Epoch,
        answer: Answered<op::Advance>,
        ctx: &mut Context,
    ) {
        let again = ctx.now + ctx.settings.heartbeat_interval / 3;
        let Some(held) = self.held.get_mut(key).filter(|t| t.epoch() == epoch) else {
            return;
        };
        let Phase::Ending(ending) = &mut held.phase else { return };
        match answer {
            Ok(Write::Refused(Some(_))) if !an_end_that_is_there_is_mine() => {
                self.lose(key, LossReason::Taken, ctx);
            }
            Ok(Write::Done(row) | Write::Refused(Some(row))) if row.has_ended() => {
                let children = std::mem::take(&mut ending.children);
                self.held.remove(key);
                self.memory.end(key, Ended { names: row.children, rows: children.clone() });
                ctx.signal(Signal::Changed);
                ctx.notify(Notice::Ended(key.clone(), epoch));
                self.take_children(key, &children, ctx);
            }
            Ok(Write::Refused(Some(_))) => {
                self.on_not_mine(key, LossReason::Taken, ctx);
            }
            Ok(Write::Refused(None)) => {
                self.on_not_mine(key, LossReason::Gone, ctx);
            }
            _ => ending.step = Step::Again(again),
        }
    }

    /// Acquires the children at once, without waiting for a plan, where all parents have ended and
    /// neither a placement rule nor `max_leases` forbids it. A session without a document of its
    /// own cannot know the rules, so it takes none.
    fn take_children(&mut self, parent: &LeaseKey, children: &[Lease], ctx: &mut Context) {
        if self.leaving {
            return;
        }
        for child in children {
            let others: Vec<LeaseKey> = child
                .parents
                .iter()
                .filter_map(|id| parent.sibling(id))
                .filter(|key| key != parent)
                .collect();
            if !self.may_take_child(parent, !others.is_empty()) {
                continue;
            }
            if has_no_parent_but_mine(&others) {
                self.want_child(&child.key, ctx);
                continue;
            }
            self.merging.insert((child.key.clone(), parent.clone()), others.len());
            for other in others {
                ctx.ask(op::Lease(other), request::OtherParent(child.key.clone(), parent.clone()));
            }
        }
    }

    /// Whether no placement rule can touch such a child, as the planner's document says.
    fn may_take_child(&self, parent: &LeaseKey, merged: bool) -> bool {
        let told = |told: &Assignment| takes_child(told, parent, merged);
        self.assignment.as_ref().map_or_else(who_knows_no_rules, told)
    }

    /// The row of another parent of a merge's child was read. If all parents have ended, the child
    /// can be acquired. If this parent is open, its owner takes the child; if its row is absent,
    /// the planner decides.
    pub(super) fn on_other_parent(
        &mut self,
        merge: (LeaseKey, LeaseKey),
        answer: &Answered<op::Lease>,
        ctx: &mut Context,
    ) {
        let Some(left) = self.merging.remove(&merge) else { return };
        let Ok(row) = answer else { return };
        if !row.as_ref().map_or_else(absent_is_ended, Lease::has_ended) {
            sometimes!(OtherParentOpen);
        } else if left > 1 {
            self.merging.insert(merge, left - 1);
        } else {
            sometimes!(OtherParentEnded);
            self.want_child(&merge.0, ctx);
        }
    }

    /// Wants a child, unless that would exceed `max_leases`.
    fn want_child(&mut self, child: &LeaseKey, ctx: &mut Context) {
        let most = ctx.settings.max_leases.map_or(usize::MAX, |max| max as usize);
        let taken = self.held.len() + self.wanted.len();
        if taken >= most || self.held.contains_key(child) {
            return;
        }
        sometimes!(ChildWanted);
        self.wanted.or_insert_with(child, || WantedLease::child(ctx.now));
        self.pursue(child, ctx);
    }
}

/// Where a child is read from: its trim horizon, so that nothing is skipped.
fn start_of_a_child() -> Checkpoint {
    if planted!(ChildrenAtLatest) { Checkpoint::Latest } else { Checkpoint::TrimHorizon }
}

/// Whether the end may be written: once the row of every child exists.
fn may_be_written(ending: &Ending) -> bool {
    ending.missing.is_empty() || planted!(EndBeforeChildren)
}

/// Whether an end that exists already counts as written by this session, whose answer was lost.
fn an_end_that_is_there_is_mine() -> bool {
    !planted!(EndTwiceIsLoss)
}

/// Whether the child has no other parent whose row is to be read.
fn has_no_parent_but_mine(others: &[LeaseKey]) -> bool {
    others.is_empty() || planted!(OtherParentNotRead)
}

/// Whether a parent without a row counts as ended. Only the planner can tell.
fn absent_is_ended() -> bool {
    planted!(AbsentOtherParentEnded)
}

/// Whether a session without a document takes children. It cannot know the placement rules.
fn who_knows_no_rules() -> bool {
    planted!(ChildrenTakenUntold)
}

/// Whether this document lets its worker take the child.
fn takes_child(told: &Assignment, parent: &LeaseKey, merged: bool) -> bool {
    told.may_take_child(parent, merged) && !planted!(ChildrenWaitForPlan)
}
