//! Writing checkpoints (PROTOCOL rule 5): one write in flight for each lease, and the newest
//! position wins.

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

/// Checkpoints that are due within this part of the checkpoint interval are written together: a
/// store can make one request of them.
const TOGETHER: u32 = 10;

impl Handoff {
    /// Writes the checkpoints that are due, and those that are nearly due. All of them are due
    /// together from then on.
    pub(super) fn flush_together(&mut self, ctx: &mut Context) {
        let soon = ctx.now + ctx.settings.checkpoint_interval / TOGETHER;
        for due in ctx.deadlines.of_leases(soon) {
            if let Due::Checkpoint(key) = due {
                self.flush_by(&key, soon, ctx);
            }
        }
    }

    /// Writes the newest checkpoint of a lease, if a write is due now.
    pub(super) fn flush(&mut self, key: &LeaseKey, ctx: &mut Context) {
        self.flush_by(key, ctx.now, ctx);
    }

    /// Writes the newest checkpoint of a lease, if a write is due at `by`. An ending shard writes
    /// its end instead.
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

    /// A checkpoint was written, or refused. A refusal by a row that is still held here means that
    /// the row is ahead: an earlier attempt was applied.
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

    /// The row of a held lease is gone, or names another owner or epoch. If the plan still names
    /// the lease for this session, the session puts the row again or waits until it is free: the
    /// store may have gone back in time without this session's knowing it yet, and then no other
    /// worker would.
    pub(super) fn on_not_mine(&mut self, key: &LeaseKey, reason: LossReason, ctx: &mut Context) {
        self.remember_progress(key);
        self.lose(key, reason, ctx);
        if is_wanted_again(reason) {
            self.want_again(key, ctx);
        }
    }
}

/// Whether a lease stays held although the outcome of a checkpoint is unknown.
fn unknown_is_no_loss() -> bool {
    !planted!(UnknownCheckpointIsLoss)
}

/// Whether a lease that is lost for this reason becomes wanted again, if the plan still names it.
fn is_wanted_again(reason: LossReason) -> bool {
    reason == LossReason::Gone || !planted!(TakenNotWantedAgain)
}
