//! Writing checkpoints: one write in flight per lease, the newest position wins.

use super::{Handoff, ask, tenure::Phase};
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
    pub(super) fn flush_due(&mut self, ctx: &mut Context) {
        let due_by = |by: Time| {
            let due = self.tenures.iter().filter(move |(_, it)| it.marks.next_write() <= by);
            due.map(|(key, _)| key.clone())
        };
        if due_by(ctx.now).next().is_none() {
            return;
        }
        // Those that are nearly due go along, and from then on they are due together.
        let soon = ctx.now + ctx.settings.checkpoint_interval / TOGETHER;
        for key in due_by(soon).collect::<Vec<_>>() {
            self.flush_by(&key, soon, ctx);
        }
    }

    /// Writes the newest checkpoint of a lease if it is due.
    pub(super) fn flush(&mut self, key: &LeaseKey, ctx: &mut Context) {
        self.flush_by(key, ctx.now, ctx);
    }

    /// Writes the newest checkpoint of a lease if it is due by then.
    fn flush_by(&mut self, key: &LeaseKey, by: Time, ctx: &mut Context) {
        let Some(tenure) = self.tenures.get_mut(key) else { return };
        if matches!(tenure.phase, Phase::Ending(_)) {
            return;
        }
        let every = ctx.settings.checkpoint_interval;
        let Some((checkpoint, progress)) = tenure.marks.take_due(by, ctx.now + every) else {
            return;
        };
        let epoch = tenure.epoch();
        let advance =
            Advance::new(key.clone(), self.me.clone(), epoch, checkpoint).with_progress(progress);
        ctx.ask(op::Advance(advance), ask::Advance(key.clone(), epoch));
    }

    pub(super) fn on_advance(
        &mut self,
        key: &LeaseKey,
        epoch: Epoch,
        answer: Answered<op::Advance>,
        ctx: &mut Context,
    ) {
        let Some(tenure) = self.tenures.get_mut(key).filter(|t| t.epoch() == epoch) else {
            return;
        };
        match answer {
            Ok(Write::Done(row)) => {
                self.memory.hold(&row);
                tenure.marks.on_stored(row.checkpoint.clone());
                ctx.push(Command::Stored(key.clone(), epoch, row.checkpoint));
                self.flush(key, ctx);
            }
            Ok(Write::Refused(Some(row))) => {
                if row.is_held_by(&self.me, epoch) {
                    tenure.marks.on_stored(row.checkpoint.clone());
                    ctx.push(Command::Stored(key.clone(), epoch, row.checkpoint));
                } else {
                    self.on_not_mine(key, LossReason::Taken, ctx);
                }
            }
            Ok(Write::Refused(None)) => {
                self.on_not_mine(key, LossReason::Gone, ctx);
            }
            Err(_) if planted!(UnknownCheckpointIsLoss) => self.lose(key, LossReason::Taken, ctx),
            Err(_) => {
                sometimes!(CheckpointUnknown);
                tenure.marks.on_failed(ctx.now + ctx.settings.heartbeat_interval / 3);
            }
        }
    }

    /// The row of a held lease is gone, or not mine any more. Where the plan still gives it to me,
    /// the row is made anew, or the lease taken once it is free: a store that went back, which may
    /// be heard of only later, leaves nobody else to.
    pub(super) fn on_not_mine(&mut self, key: &LeaseKey, reason: LossReason, ctx: &mut Context) {
        self.remember_progress(key);
        self.lose(key, reason, ctx);
        if reason == LossReason::Gone || !planted!(TakenNotWishedAgain) {
            self.wish_again(key, ctx);
        }
    }
}
