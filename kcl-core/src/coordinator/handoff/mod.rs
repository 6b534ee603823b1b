//! The leases of this session: it acquires them, runs them, and hands them over.
//!
//! PROTOCOL rules 4, 5, 7–10, 12 and 13. The plan names a lease: it is *wanted*
//! ([`wanted::WantedLease`]). The session acquires it: it is *held* ([`held::HeldLease`]), and a
//! run reads its shard. A release, the end of the shard, or a loss ends that.
//!
//! ```text
//!              names it            acquire                 release, end, loss
//!   the plan ──────────► wanted ───────────► held + run ──────────────────────► –
//!              pursue.rs          acquire.rs   checkpointing.rs   releasing.rs, ending.rs,
//!              apply.rs                                           recovery.rs
//! ```
//!
//! The invariant: this session has at most one run of a lease at a time. A run starts only after a
//! granted acquire, and its lease is released only after the run has stopped. Once a release was
//! *sent*, the lease is lost to this session at that epoch, whatever the outcome.
//!
//! It does not decide who should hold a lease, and it ends no other session.
//!
//! The table lists every reaction. The last column names the handoff's request to the store, or its
//! order to the run.
//!
//! | a lease is | when | then it is | request to the store, or order to its run |
//! |---|---|---|---|
//! | – | the plan names it as unowned | being acquired | acquire, under the next epoch |
//! | – | the plan names it, and its owner should release it | wanted | read its row, again and again |
//! | – | the document of a former life names it | wanted, from that life alone | read its row |
//! | – | the plan orders its release, and no run has it | being released | release, once for each order |
//! | wanted | it is not of this worker's stream in its present life | wanted if planned | describe the stream |
//! | wanted | its row is free | being acquired | acquire |
//! | wanted | a live session holds it that the plan does not name as owner | wanted: conflict | read that session, now and then |
//! | wanted | it has no row, and its checkpoint is known here | wanted | put its row again |
//! | wanted | its row has ended | – : changed | – |
//! | wanted | the plan names it no more | – | – |
//! | wanted | the session is woken | wanted | read its row |
//! | being acquired | it is granted, wanted, and the session is valid | held | start |
//! | being acquired | it is granted, and its shard has ended | ending | write its end |
//! | being acquired | it is granted, and the plan has given it away, or it is of another stream | being released | release |
//! | being acquired | the outcome is unknown, and the plan has given it away | being released | release |
//! | being acquired | it is refused, or the outcome is unknown | wanted if planned | read its row |
//! | held | its run made progress | held | write the newest checkpoint, one write at a time |
//! | held | the plan gives it away | draining | drain |
//! | suspended | the plan gives it away | dropping | drop |
//! | draining, dropping | the plan gives it to another session | the same, and no later | – |
//! | draining, dropping | the plan names it again | the same, and wanted | – |
//! | draining | its time is over, or the session lapses | dropping | drop |
//! | draining, dropping | its run has stopped | being released | release, with the last checkpoint |
//! | being released | the release is answered | – | wake the successor |
//! | being released | there is no answer | the same | release again, after each beat |
//! | held | the session lapses | suspended | suspend |
//! | suspended | a beat is answered | the same | read its row |
//! | suspended | its row still names this session and epoch | held | resume |
//! | held, suspended | its row names another owner or epoch, or is gone | lost, and wanted if planned | drop |
//! | held | its shard has ended | ending | put the rows of the children, then write its end |
//! | ending | a call failed | ending | the same call, after a pause |
//! | ending | the end is written | – : changed | read the other parents, then acquire the children |
//! | ending | its row names another owner or epoch, or is gone | lost, and wanted if planned | drop |
//! | held | the processor makes no progress | dropping | drop; the release asks for another worker |
//! | held, suspended | its source reads another stream | dropping | drop; describe the stream |
//! | any | the session was ended | lost | drop |
//! | held | the store went back | lost, and wanted | drop; read its row |
//! | ended here | the store went back | wanted | read its row |
//! | held | the store lost the session | held, and wanted by its next life | put its row again |
//! | wanted, being acquired | the worker leaves | –, or being released when granted | – |
//! | held | the worker leaves, and no other worker stays | draining | drain |
//! | all but ending | the grace of a worker that leaves is over | dropping | drop |

mod acquire;
mod apply;
mod checkpointing;
mod checkpoints;
pub(super) mod due;
mod ending;
mod held;
mod memory;
mod pursue;
mod recovery;
mod releasing;
pub(super) mod request;
mod sent;
pub(super) mod signal;
mod wanted;

/// Whether the session's beat alone keeps its leases.
fn one_write_keeps_all_alive() -> bool {
    !planted!(BeatPerLease)
}

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use self::{
    due::Due,
    held::{HeldLease, Phase},
    memory::RollbackMemory,
    request::Reply,
    sent::{Acquiring, Releasing},
    wanted::{OwnerChecks, WantedLease},
};
use super::{
    command::{DropReason, LossReason, Notice, RunOrder},
    context::Context,
    deadlines,
    document::Assignment,
    event::{RunEvent, RunNews},
    noted::Noted,
    op,
};
use crate::{
    env::Time,
    lease::{Epoch, LeaseKey, SessionId},
};

/// The leases of this session: see the module.
#[derive(Debug)]
pub(in crate::coordinator) struct Handoff {
    me: SessionId,
    /// The newest assignment document that the session follows.
    assignment: Option<Assignment>,
    /// The leases that this session should take.
    wanted: Noted<LeaseKey, WantedLease>,
    /// Acquires whose outcome is not known yet.
    acquiring: BTreeMap<LeaseKey, Acquiring>,
    /// The leases that this session has, with the state of their runs.
    held: Noted<LeaseKey, HeldLease>,
    /// Releases that were sent and not confirmed, by lease and epoch.
    releases: BTreeMap<(LeaseKey, Epoch), Releasing>,
    /// When the session of another owner was last read.
    owners: OwnerChecks,
    /// Facts that this process knows although the store may have lost them.
    memory: RollbackMemory,
    /// Children of merges: the child and the parent that ended here, with the number of its other
    /// parents whose rows have not been read yet.
    merging: BTreeMap<(LeaseKey, LeaseKey), usize>,
    /// How many rows are being read, at most `READS_MAX`.
    reads: usize,
    /// How often the session lapsed. A row that was read before a lapse proves nothing after it.
    lapses: u64,
    /// Whether the deadlines of wanted leases are set: they are while the session is valid.
    pursues: bool,
    /// Whether the worker leaves, and takes no new lease.
    leaving: bool,
    /// When a worker that leaves drops every batch; [`Time::NEVER`] while it stays.
    grace_until: Time,
}

impl Handoff {
    pub(in crate::coordinator) fn new(me: SessionId) -> Self {
        Self {
            me,
            assignment: None,
            wanted: Noted::new(),
            acquiring: BTreeMap::new(),
            held: Noted::new(),
            releases: BTreeMap::new(),
            owners: OwnerChecks::default(),
            memory: RollbackMemory::default(),
            merging: BTreeMap::new(),
            reads: 0,
            lapses: 0,
            pursues: false,
            leaving: false,
            grace_until: Time::NEVER,
        }
    }

    /// The handoff of this process's next session. It inherits the facts that this process still
    /// knows about its leases.
    pub(in crate::coordinator) fn next_life(&mut self, me: SessionId) -> Self {
        Self { memory: self.memory.next_life(), ..Self::new(me) }
    }

    /// The newest assignment document that the session follows.
    pub(in crate::coordinator) const fn assignment(&self) -> Option<&Assignment> {
        self.assignment.as_ref()
    }

    /// The leases that this session holds, with their epochs.
    pub(in crate::coordinator) fn held(&self) -> impl Iterator<Item = (&LeaseKey, Epoch)> {
        self.held.iter().map(|(key, held)| (key, held.epoch()))
    }

    /// Whether nothing is held, and no acquire or release is under way.
    pub(in crate::coordinator) fn is_empty(&self) -> bool {
        self.held.is_empty() && self.releases.is_empty() && self.acquiring.is_empty()
    }

    /// The worker leaves: it goes on reading the leases that it holds, until `grace_until` at the
    /// latest, and takes no new lease.
    pub(in crate::coordinator) fn start_leaving(&mut self, grace_until: Time) {
        self.leaving = true;
        self.grace_until = grace_until;
        self.wanted.clear();
        self.merging.clear();
        for acquiring in self.acquiring.values_mut() {
            acquiring.cancelled = true;
        }
    }

    /// Sets the deadlines of each lease that was touched.
    pub(in crate::coordinator) fn tell_deadlines(&mut self, ctx: &mut Context) {
        if self.pursues != ctx.valid {
            self.pursues = ctx.valid;
            self.wanted.touch_all();
        }
        for key in self.wanted.take_touched() {
            let (due, at) = self.wanted_deadline(&key);
            ctx.deadlines.set(due, at);
        }
        for key in self.held.take_touched() {
            for (due, at) in self.held_deadlines(&key) {
                ctx.deadlines.set(due, at);
            }
        }
    }

    /// When the row of a wanted lease is to be read.
    fn wanted_deadline(&self, key: &LeaseKey) -> (deadlines::Due, Time) {
        let wanted = self.wanted.get(key).filter(|_| self.pursues);
        let at = wanted.map_or(Time::NEVER, |wanted| wanted.try_at);
        (deadlines::Due::Handoff(Due::WantedLease(key.clone())), at)
    }

    /// When a held lease needs a checkpoint written, its batch dropped, or a step of its end tried
    /// again.
    fn held_deadlines(&self, key: &LeaseKey) -> [(deadlines::Due, Time); 3] {
        let held = self.held.get(key);
        let at = |of: fn(&HeldLease) -> Time| held.map_or(Time::NEVER, of);
        [
            (Due::Checkpoint(key.clone()), at(HeldLease::write_at)),
            (Due::Drop(key.clone()), at(HeldLease::drop_at)),
            (Due::End(key.clone()), at(HeldLease::retry_at)),
        ]
        .map(|(due, at)| (deadlines::Due::Handoff(due), at))
    }

    /// All deadlines, for the comparison of a debug build.
    #[cfg(debug_assertions)]
    pub(in crate::coordinator) fn deadlines(&self) -> impl Iterator<Item = (deadlines::Due, Time)> {
        let wanted = self.wanted.keys().map(|key| self.wanted_deadline(key));
        wanted.chain(self.held.keys().flat_map(|key| self.held_deadlines(key)))
    }

    /// Does the work that is due for each lease: checkpoints first, all together.
    pub(in crate::coordinator) fn on_tick(&mut self, ctx: &mut Context) {
        self.tell_deadlines(ctx);
        let due = ctx.deadlines.of_leases(ctx.now);
        if due.iter().any(|due| matches!(due, Due::Checkpoint(_))) {
            self.flush_together(ctx);
        }
        for due in due {
            match due {
                Due::Checkpoint(_) => {}
                Due::Drop(key) => self.drop_overdue(&key, ctx),
                Due::End(key) => self.go_on_ending(&key, ctx),
                Due::WantedLease(key) => self.pursue(&key, ctx),
            }
        }
    }

    /// A beat was answered: releases without an answer are repeated, and the rows of suspended
    /// leases are read.
    pub(in crate::coordinator) fn on_beat(&mut self, ctx: &mut Context) {
        self.repeat_releases(ctx);
        self.revalidate(ctx);
        if !one_write_keeps_all_alive() {
            for key in self.held.keys() {
                ctx.tell(op::Lease(key.clone()));
            }
        }
    }

    /// Reacts to news of a run. News of an epoch that this session no longer holds are ignored.
    pub(in crate::coordinator) fn on_run(&mut self, event: RunEvent, ctx: &mut Context) {
        let RunEvent { key, epoch, news } = event;
        let Some(held) = self.held.get_mut(&key).filter(|t| t.epoch() == epoch) else {
            return;
        };
        match news {
            RunNews::Progress { checkpoint, progress, flush } => {
                held.checkpoints.advance(checkpoint, progress, flush);
                self.flush(&key, ctx);
            }
            RunNews::Ended { children } => self.start_ending(&key, children, ctx),
            RunNews::Stopped => self.on_stopped(&key, ctx),
            RunNews::OtherStream => {
                ctx.reads.want_of(&key);
                if matches!(held.phase, Phase::Running | Phase::Suspended { .. }) {
                    held.phase = Phase::Dropping { to: None };
                    ctx.run(&key, epoch, RunOrder::Drop(DropReason::Lost));
                    ctx.notify(Notice::NotOfMyStream(key));
                }
            }
            RunNews::Stalled => {
                if matches!(held.phase, Phase::Running) {
                    held.stalled = true;
                    held.phase = Phase::Dropping { to: None };
                    ctx.run(&key, epoch, RunOrder::Drop(DropReason::TimedOut));
                    ctx.notify(Notice::Stalled(key, epoch));
                }
            }
        }
    }

    /// Hands an answer of the store to the function that its request belongs to.
    pub(in crate::coordinator) fn on_answer(&mut self, answer: Reply, ctx: &mut Context) {
        match answer {
            Reply::WantedRow(key, answer) => self.on_wanted_row(&key, answer, ctx),
            Reply::Owner(id, answer) => self.on_owner(&id, answer, ctx),
            Reply::Acquire(key, epoch, answer) => self.on_acquire(&key, epoch, answer, ctx),
            Reply::Recreate(key, _) => self.try_soon(&key, ctx),
            Reply::Advance(key, epoch, answer) => self.on_advance(&key, epoch, answer, ctx),
            Reply::Release(key, epoch, answer) => self.on_release(&key, epoch, answer, ctx),
            Reply::PutChild(key, epoch, child, answer) => {
                self.on_child_put(&key, epoch, &child, &answer, ctx);
            }
            Reply::WriteEnd(key, epoch, answer) => self.on_end_written(&key, epoch, answer, ctx),
            Reply::OtherParent(child, ended, answer) => {
                self.on_other_parent((child, ended), &answer, ctx);
            }
            Reply::Revalidate(key, lapse, answer) => {
                self.on_revalidated(&key, lapse, answer, ctx);
            }
        }
    }

    /// Ends the hold on a lease whose row belongs to this session no more.
    fn lose(&mut self, key: &LeaseKey, reason: LossReason, ctx: &mut Context) {
        if let Some(held) = self.held.remove(key) {
            ctx.run(key, held.epoch(), RunOrder::Drop(DropReason::Lost));
            ctx.notify(Notice::Lost(key.clone(), held.epoch(), reason));
        }
    }
}
