//! Releasing a lease (PROTOCOL rule 7).
//!
//! Once a release was *sent*, the lease is lost to this session at this epoch, whatever the
//! outcome: the store may apply it at any later time. The session repeats it after each beat until
//! an answer shows that the row is released.

use super::{
    Handoff,
    held::{HeldLease, Phase},
    request,
    sent::Releasing,
    signal::Signal,
};
use crate::{
    coordinator::{
        command::{LossReason, Notice},
        context::Context,
        op::{self, Answered},
    },
    lease::{Checkpoint, Epoch, LeaseKey, Progress, Release, SessionId, Write},
};

impl Handoff {
    /// The run of a lease has stopped: releases the lease with its last checkpoint.
    pub(super) fn on_stopped(&mut self, key: &LeaseKey, ctx: &mut Context) {
        let stopping = self.held.get(key).is_some_and(HeldLease::is_stopping);
        if !stopping {
            return;
        }
        let Some(held) = self.held.remove(key) else { return };
        let (Phase::Draining { to, .. } | Phase::Dropping { to }) = held.phase else { return };
        let at = if held.checkpoints.is_stored() {
            None
        } else {
            let (checkpoint, progress) = held.checkpoints.newest();
            Some((checkpoint.clone(), progress))
        };
        let epoch = held.lease.epoch;
        let reason = if self.leaving { LossReason::Leaving } else { LossReason::HandedOver };
        ctx.notify(Notice::Lost(key.clone(), epoch, reason));
        if held.stalled {
            ctx.signal(Signal::Changed);
        }
        self.release(key, epoch, at, to, held.stalled, ctx);
        if let Some(wanted) = self.wanted.get_mut(key) {
            wanted.try_at = ctx.now + ctx.settings.fast_poll;
        }
    }

    /// Releases a row of this session at this epoch, for `to`. `avoid` asks for a worker other than
    /// this one.
    pub(super) fn release(
        &mut self,
        key: &LeaseKey,
        epoch: Epoch,
        at: Option<(Checkpoint, Progress)>,
        to: Option<SessionId>,
        avoid: bool,
        ctx: &mut Context,
    ) {
        let mut release = Release::new(key.clone(), self.me.clone(), epoch).to(to).avoiding(avoid);
        if let Some((checkpoint, progress)) = at {
            release = release.at(checkpoint, progress);
        }
        self.send_release(release, ctx);
    }

    /// Sends a release, and remembers it until it is confirmed.
    fn send_release(&mut self, release: Release, ctx: &mut Context) {
        let (key, epoch) = (release.key.clone(), release.epoch);
        ctx.ask(op::Release(release.clone()), request::Release(key.clone(), epoch));
        self.releases.insert((key, epoch), Releasing { release, in_flight: true });
    }

    /// A release was answered. If the row still names this session and epoch, the release is sent
    /// again without a checkpoint. Any other answer means that the row is released, and wakes the
    /// successor.
    pub(super) fn on_release(
        &mut self,
        key: &LeaseKey,
        epoch: Epoch,
        answer: Answered<op::Release>,
        ctx: &mut Context,
    ) {
        let id = (key.clone(), epoch);
        let Some(releasing) = self.releases.get_mut(&id) else { return };
        match answer {
            Ok(Write::Refused(Some(row))) if row.is_held_by(&self.me, epoch) => {
                // The row's checkpoint is ahead of the release's: the row keeps it.
                let mut release = releasing.release.clone();
                release.checkpoint = None;
                self.send_release(release, ctx);
            }
            Ok(_) => {
                if let Some(successor) = releasing.release.successor.take() {
                    sometimes!(SuccessorWoken);
                    ctx.wake(&successor);
                }
                self.releases.remove(&id);
            }
            Err(_) => releasing.in_flight = false,
        }
    }

    /// Sends each release again that got no answer. Called after each answered beat.
    pub(super) fn repeat_releases(&mut self, ctx: &mut Context) {
        for ((key, epoch), releasing) in &mut self.releases {
            if !releasing.in_flight && is_repeated() {
                sometimes!(ReleaseRepeated);
                releasing.in_flight = true;
                let release = op::Release(releasing.release.clone());
                ctx.ask(release, request::Release(key.clone(), *epoch));
            }
        }
    }
}

/// Whether a release is repeated until it is answered.
fn is_repeated() -> bool {
    !planted!(ReleaseSentOnce)
}
