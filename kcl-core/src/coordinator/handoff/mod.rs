//! My leases: taking them, running them, handing them over.
//!
//! PROTOCOL rules 4, 5, 7–10, 12 and 13. A [`wanted::WantedLease`] becomes a [`held::HeldLease`] by
//! an acquire. A release, the end of the shard, or a loss ends it.
//!
//! | a lease is | when | then it is | and there is asked, or told to its run |
//! |---|---|---|---|
//! | – | the plan names it, free | being acquired | the lease, under the next epoch |
//! | – | the plan names it, and its owner is to give it | wanted | its row, again and again |
//! | – | a former life's document names it | wanted, from that life alone | its row |
//! | – | the plan orders its release | being released | its release, once for each order |
//! | wanted | it is not of my stream, in its present life | wanted if planned | that the source be described |
//! | wanted | its row is free | being acquired | the lease |
//! | wanted | a live session holds it that is not expected to | wanted: conflict | that session, now and then |
//! | wanted | there is no row, and how far it was read is known here | wanted | its row to be put again |
//! | wanted | its row has ended | – : changed | – |
//! | wanted | the plan names it no more | – | – |
//! | wanted | the session is woken | wanted | its row |
//! | being acquired | it is granted, wanted and the session valid | held | start |
//! | being acquired | it is granted, and its shard has ended | ending | its end |
//! | being acquired | it is granted, and the plan has given it away, or it is not of my stream | being released | its release |
//! | being acquired | nobody knows, and the plan has given it away | being released | its release |
//! | being acquired | it is refused, or nobody knows | wanted if planned | its row |
//! | held | its run gets on | held | its checkpoint to be written: one at a time, the newest |
//! | held | the plan gives it away | draining | finish the batch |
//! | suspended | the plan gives it away | dropping | drop the batch |
//! | draining, dropping | the plan gives it to another | the same, and no later | – |
//! | draining, dropping | the plan wants it back | the same, and wanted | – |
//! | draining | the time is out, or the session lapses | dropping | drop the batch |
//! | draining, dropping | its run has stopped | being released | its release, with the last checkpoint |
//! | being released | that is answered | – | the wake-up of who takes it next |
//! | being released | it is not answered | the same | the same again, after each beat |
//! | held | the session lapses | suspended | suspend |
//! | suspended | a beat is answered | the same | its row |
//! | suspended | its row is still mine | held | resume |
//! | held, suspended | its row is another's, or gone | lost, and wanted if planned | drop the batch |
//! | held | its shard has ended | ending | the rows of the children, then its end |
//! | ending | a call failed | ending | the same again, after a pause |
//! | ending | the end is written | – : changed | the other parents, then the children |
//! | ending | its row is another's, or gone | lost, and wanted if planned | drop the batch |
//! | held | the processor stands still | dropping | drop the batch; the release asks for another worker |
//! | held, suspended | its source reads another stream | dropping | drop the batch; that the source be described |
//! | any | the session was ended | lost | drop the batch |
//! | held | the store went back | lost, and wanted | drop the batch; its row |
//! | ended here | the store went back | wanted | its row |
//! | held | the store lost the session | held, and wanted by its next life | its row to be put again |
//! | wanted, being acquired | the worker leaves | –, or being released when it is granted | – |
//! | held | the worker leaves, and nobody stays | draining | finish the batch |
//! | all but ending | the grace of a worker that leaves is out | dropping | drop the batch |

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

/// Whether the session's beat is all that keeps its leases.
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

/// My leases.
#[derive(Debug)]
pub(in crate::coordinator) struct Handoff {
    me: SessionId,
    assignment: Option<Assignment>,
    wanted: Noted<LeaseKey, WantedLease>,
    acquiring: BTreeMap<LeaseKey, Acquiring>,
    held: Noted<LeaseKey, HeldLease>,
    releases: BTreeMap<(LeaseKey, Epoch), Releasing>,
    owners: OwnerChecks,
    memory: RollbackMemory,
    /// Children of merges and the parent of each that ended here: how many of its other parents
    /// have not been heard of.
    merging: BTreeMap<(LeaseKey, LeaseKey), usize>,
    /// Row reads under way: bounded, however many leases are wanted.
    reads: usize,
    /// Counts the session's lapses, so that a read from before one proves nothing after it.
    lapses: u64,
    /// Whether wanted leases were last told as deadlines: they are while the session is valid.
    pursues: bool,
    leaving: bool,
    /// When a worker that leaves drops every batch.
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

    /// That of this process's next session, which knows what this one gave back.
    pub(in crate::coordinator) fn next_life(&mut self, me: SessionId) -> Self {
        Self { memory: self.memory.next_life(), ..Self::new(me) }
    }

    /// The newest assignment seen.
    pub(in crate::coordinator) const fn assignment(&self) -> Option<&Assignment> {
        self.assignment.as_ref()
    }

    /// The leases held, with their epochs.
    pub(in crate::coordinator) fn held(&self) -> impl Iterator<Item = (&LeaseKey, Epoch)> {
        self.held.iter().map(|(key, held)| (key, held.epoch()))
    }

    /// Whether nothing is held and nothing is on its way back.
    pub(in crate::coordinator) fn is_empty(&self) -> bool {
        self.held.is_empty() && self.releases.is_empty() && self.acquiring.is_empty()
    }

    /// The worker leaves: what it holds it goes on reading, at the longest until `grace_until`; new
    /// leases it does not take.
    pub(in crate::coordinator) fn start_leaving(&mut self, grace_until: Time) {
        self.leaving = true;
        self.grace_until = grace_until;
        self.wanted.clear();
        self.merging.clear();
        for acquiring in self.acquiring.values_mut() {
            acquiring.cancelled = true;
        }
    }

    /// Tells when each lease that was touched is due for something.
    pub(in crate::coordinator) fn tell_deadlines(&mut self, ctx: &mut Context) {
        if self.pursues != ctx.valid {
            self.pursues = ctx.valid;
            self.wanted.touch_all();
        }
        for key in self.wanted.take_touched() {
            let (due, at) = self.wish_deadline(&key);
            ctx.deadlines.set(due, at);
        }
        for key in self.held.take_touched() {
            for (due, at) in self.tenure_deadlines(&key) {
                ctx.deadlines.set(due, at);
            }
        }
    }

    /// When a wanted lease is due for a look.
    fn wish_deadline(&self, key: &LeaseKey) -> (deadlines::Due, Time) {
        let wanted = self.wanted.get(key).filter(|_| self.pursues);
        let at = wanted.map_or(Time::NEVER, |wanted| wanted.try_at);
        (deadlines::Due::Handoff(Due::WantedLease(key.clone())), at)
    }

    /// When a held lease is due for what.
    fn tenure_deadlines(&self, key: &LeaseKey) -> [(deadlines::Due, Time); 3] {
        let held = self.held.get(key);
        let at = |of: fn(&HeldLease) -> Time| held.map_or(Time::NEVER, of);
        [
            (Due::Checkpoint(key.clone()), at(HeldLease::write_at)),
            (Due::Drop(key.clone()), at(HeldLease::drop_at)),
            (Due::End(key.clone()), at(HeldLease::retry_at)),
        ]
        .map(|(due, at)| (deadlines::Due::Handoff(due), at))
    }

    /// When everything is due.
    #[cfg(debug_assertions)]
    pub(in crate::coordinator) fn deadlines(&self) -> impl Iterator<Item = (deadlines::Due, Time)> {
        let wanted = self.wanted.keys().map(|key| self.wish_deadline(key));
        wanted.chain(self.held.keys().flat_map(|key| self.tenure_deadlines(key)))
    }

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

    /// A beat was answered: what is unfinished is tried again.
    pub(in crate::coordinator) fn on_beat(&mut self, ctx: &mut Context) {
        self.repeat_releases(ctx);
        self.revalidate(ctx);
        if !one_write_keeps_all_alive() {
            for key in self.held.keys() {
                ctx.tell(op::Lease(key.clone()));
            }
        }
    }

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

    pub(in crate::coordinator) fn on_answer(&mut self, answer: Reply, ctx: &mut Context) {
        match answer {
            Reply::WishRow(key, answer) => self.on_wish_row(&key, answer, ctx),
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

    /// Ends the hold on a lease that this session lost.
    fn lose(&mut self, key: &LeaseKey, reason: LossReason, ctx: &mut Context) {
        if let Some(held) = self.held.remove(key) {
            ctx.run(key, held.epoch(), RunOrder::Drop(DropReason::Lost));
            ctx.notify(Notice::Lost(key.clone(), held.epoch(), reason));
        }
    }
}
