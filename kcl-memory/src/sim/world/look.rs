//! Looking at a run from outside, while it goes on.

use std::collections::BTreeMap;

use kcl_core::{
    env::Time,
    lease::{DocName, Document, Lease, LeaseKey},
    worker::gate::GateState,
};

use super::{World, run::Run};

impl World {
    /// The time of the run.
    #[must_use]
    pub const fn now(&self) -> Time {
        self.now
    }

    /// Store calls so far, by name.
    #[must_use]
    pub const fn calls(&self) -> &BTreeMap<&'static str, u64> {
        &self.report.calls
    }

    /// Records processed more than once so far.
    #[must_use]
    pub const fn duplicates(&self) -> u64 {
        self.oracle.duplicates
    }

    /// A document as it is now.
    #[must_use]
    pub fn document(&self, name: &DocName) -> Option<&Document> {
        self.store.rows.docs.get(name)
    }

    /// The leases that could be read and that nobody reads: whose parents have ended, and that no
    /// worker that is up may dispatch records of.
    #[must_use]
    pub fn unread(&self) -> Vec<LeaseKey> {
        let unended = self.shard_leases().filter(|row| !row.has_ended());
        let readable = unended.filter(|row| {
            let parents = row.parents.iter().filter_map(|parent| row.key.sibling(parent));
            parents.filter_map(|key| self.lease(&key)).all(Lease::has_ended)
        });
        readable.filter(|row| !self.is_read(row)).map(|row| row.key.clone()).collect()
    }

    fn is_read(&self, row: &Lease) -> bool {
        let Some(no) = self.stream.number(&row.key) else { return false };
        self.hosts.iter().filter(|host| host.is_up() && host.stands_still(self.now).is_none()).any(
            |host| {
                let run = host.runs.get(&no);
                let is_open = |run: &Run| run.gate.state() == GateState::Open;
                host.is_valid(self.now)
                    && run.is_some_and(|run| is_open(run) && run.epoch() == row.epoch)
            },
        )
    }
}
