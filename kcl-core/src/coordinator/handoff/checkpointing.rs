//! Writing checkpoints: one write in flight per lease, the newest position wins.

use super::{Handoff, due::Due, held::Phase, request};
use crate::{
    coordinator::{
        command::{Command, LossReason},
        context::Context,
        op::{self, Answered},
    },
    env::Time,
    lease::{Advance, Epoch, LeaseKey, Write},
};

/// The part of a checkpoint interval within which checkpoints are written together: stores that can
/// make one request of them.
const TOGETHER: u32 = 10;

impl Handoff {
    /// Writes the checkpoints that are due. Those that are nearly due go along, and from then on
    /// they are due together.
    pub(super) fn flush_together(&mut self, ctx: &mut Context) {
        let soon = ctx.now + ctx.settings.checkpoint_interval / TOGETHER;
        for due in ctx.deadlines.of_leases(soon) {
            if let Due::Checkpoint(key) = due {
                self.flush_by(&key, soon, ctx);
            }
        }
    }

    /// Writes the newest checkpoint of a lease if it is due.
    pub(super) fn flush(&mut self, key: &LeaseKey, ctx: &mut Context) {
        self.flush_by(key, ctx.now, ctx);
    }

    /// Writes the newest checkpoint of a lease if it is due by then.
    fn flush_by(&mut self, key: &LeaseKey, by: Time, ctx: &mut Context) {
        let Some(held) = self.held.get_mut(key) else { return };
        if matches!(held.phase, Phase::Ending(_)) {
            return;
        }
        let every = ctx.settings.checkpoint_interval;
        let Some((checkpoint, progress)) = held.checkpoints.take_due(by, ctx.now + every) else {
            return;
        };
        let epoch = held.epoch();
        let advance =
            Advance::new(key.clone(), self.me.clone(), epoch, checkpoint).with_progress(progress);
        ctx.ask(op::Advance(advance), request::Advance(key.clone(), epoch));
    }

    pub(super) fn on_advance(
        &mut self,
        key: &LeaseKey,
        epoch: Epoch,
        answer: Answered<op::Advance>,
        ctx: &mut Context,
    ) {
        let Some(held) = self.held.get_mut(key).filter(|t| t.epoch() == epoch) else {
            return;
        };
        match answer {
            Ok(Write::Done(row)) => {
                self.memory.hold(&row);
                held.checkpoints.on_stored(row.checkpoint.clone());
                ctx.push(Command::Stored(key.clone(), epoch, row.checkpoint));
                self.flush(key, ctx);
            }
            Ok(Write::Refused(Some(row))) => {
                if row.is_held_by(&self.me, epoch) {
                    held.checkpoints.on_stored(row.checkpoint.clone());
                    ctx.push(Command::Stored(key.clone(), epoch, row.checkpoint));
                } else {
                    self.on_not_mine(key, LossReason::Taken, ctx);
                }
            }
            Ok(Write::Refused(None)) => {
                self.on_not_mine(key, LossReason::Gone, ctx);
            }
            Err(_) if !unknown_is_no_loss() => self.lose(key, LossReason::Taken, ctx),
            Err(_) => {
                sometimes!(CheckpointUnknown);
                held.checkpoints.on_failed(ctx.now + ctx.settings.heartbeat_interval / 3);
            }
        }
    }

    /// The row of a held lease is gone, or not mine any more. Where the plan still gives it to me,
    /// the row is made anew, or the lease taken once it is free: a store that went back, which may
    /// be heard of only later, leaves nobody else to.
    pub(super) fn on_not_mine(&mut self, key: &LeaseKey, reason: LossReason, ctx: &mut Context) {
        self.remember_progress(key);
        self.lose(key, reason, ctx);
        if is_wished_again(reason) {
            self.wish_again(key, ctx);
        }
    }
}

/// Whether a lease stays mine although nobody knows what became of a checkpoint.
fn unknown_is_no_loss() -> bool {
    !planted!(UnknownCheckpointIsLoss)
}

/// Whether a lease that is lost for this reason is wanted again, where the plan still gives it.
fn is_wished_again(reason: LossReason) -> bool {
    reason == LossReason::Gone || !planted!(TakenNotWishedAgain)
}
