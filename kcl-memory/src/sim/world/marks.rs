//! What an operator says of single workers and leases: drained, paused, let go, sent somewhere.

use std::time::Duration;

use kcl_core::{
    assignment::placement::{LetGo, Marks, Said, Sent},
    env::{Time, WallTime},
    lease::{Lease, LeaseKey, WorkerId},
};

use super::{World, host::Host};
use crate::sim::{Action, Violation, stream::ShardNo};

fn said() -> Said {
    Said { by: "an operator".to_owned(), since: WallTime::from_millis(1) }
}

impl World {
    /// Does it; false if there is nothing to do it to.
    pub(super) fn mark(&mut self, action: &Action) -> Result<bool, Violation> {
        match *action {
            Action::Drain(who) => self.drain(who),
            Action::Undrain => self.put_marks(|marks| marks.drained.clear()),
            Action::PauseLease(which) => {
                let Some(row) = self.open_row(which) else { return Ok(false) };
                let key = row.key.clone();
                self.put_marks(|marks| drop(marks.paused.insert(key, said())))
            }
            Action::ResumeLeases => self.put_marks(|marks| marks.paused.clear()),
            Action::LetGo(which) => {
                let held = |row: &&Lease| row.owner.is_some();
                let Some(row) = self.open_row(which).filter(held) else { return Ok(false) };
                let (key, epoch) = (row.key.clone(), row.epoch);
                let mark = LetGo { epoch, said: said() };
                self.put_marks(|marks| drop(marks.let_go.insert(key, mark)))
            }
            Action::Send(which, who, span) => self.send_lease(which, who, span),
            _ => Ok(false),
        }
    }

    /// Drains a worker, unless it is the last that gets leases: that is refused.
    fn drain(&mut self, who: usize) -> Result<bool, Violation> {
        let Some(worker) = self.pick(who).map(|at| self.hosts[at].worker.clone()) else {
            return Ok(false);
        };
        let gets_some = |host: &Host| host.is_member() && !self.is_drained(&host.worker);
        let others = self.hosts.iter().filter(|host| gets_some(host) && host.worker != worker);
        if others.count() == 0 {
            return Ok(false);
        }
        self.put_marks(|marks| drop(marks.drained.insert(worker, said())))
    }

    fn send_lease(&mut self, which: usize, who: usize, span: Duration) -> Result<bool, Violation> {
        let to = self.pick(who).map(|at| self.hosts[at].worker.clone());
        let key = self.open_row(which).map(|row| row.key.clone());
        let (Some(key), Some(to)) = (key, to) else { return Ok(false) };
        let until =
            self.store.wall(self.now).as_millis() + u64::try_from(span.as_millis()).unwrap_or(0);
        let sent = Sent { to, until: WallTime::from_millis(until), said: said() };
        self.put_marks(|marks| drop(marks.sent.insert(key, sent)))
    }

    /// The lease of an open shard, by its number among them.
    fn open_row(&self, which: usize) -> Option<&Lease> {
        let open = self.stream.open_shards();
        let no = open.get(which % open.len().max(1))?;
        self.store.rows.leases.get(&self.stream.shards[*no].key)
    }

    fn put_marks(&mut self, change: impl FnOnce(&mut Marks)) -> Result<bool, Violation> {
        let placement = self.as_it_stands();
        let mut marks = placement.marks.clone();
        change(&mut marks);
        self.placement.marks.clone_from(&marks);
        self.put_placement(&placement.marked(marks))
    }

    /// Whether the operator has drained this worker.
    pub(super) fn is_drained(&self, worker: &WorkerId) -> bool {
        self.placement.marks.drains(worker)
    }

    /// Whether every worker that stays is drained.
    pub(super) fn all_are_drained(&self) -> bool {
        let mut members = self.hosts.iter().filter(|host| host.is_member());
        members.all(|host| self.is_drained(&host.worker))
    }

    pub(super) fn is_paused(&self, no: ShardNo) -> bool {
        self.placement.marks.pauses(&self.stream.shards[no].key)
    }

    /// Why nobody, or not this worker, may take a lease: nothing, if it may, or if some planner may
    /// not know yet.
    pub(super) fn barred(
        &self,
        key: &LeaseKey,
        before: Option<&Lease>,
        after: Option<&Lease>,
    ) -> Option<&'static str> {
        let owner = after?.owner.as_ref()?;
        if before.and_then(|row| row.owner.as_ref()) == Some(owner) || !self.rules_are_known() {
            return None;
        }
        match () {
            () if self.placement.marks.pauses(key) => Some("it is paused"),
            () if self.is_drained(&owner.worker) && !key.is_role() => Some("the worker is drained"),
            () => None,
        }
    }

    /// When the last lease ceases to be sent somewhere.
    pub(super) fn last_end(&self) -> Option<Time> {
        let now = self.store.wall(self.now);
        let ends = self.placement.marks.sent.values().map(|sent| sent.until);
        ends.max().map(|last| self.now + last.since(now))
    }
}
