//! Reaching into the network by hand: calls that are held, lost or repeated on purpose.

use std::{collections::BTreeMap, time::Duration};

use kcl_core::{
    coordinator::{CallId, StoreCall, StreamView},
    lease::{DocName, Document, Lease, LeaseKey, WorkerId},
    store::StoreErrorKind,
};

use super::{
    World,
    interceptor::{Fate, Interceptor, InterceptorId},
    sim_events::SimEvent,
};
use crate::sim::{Action, Violation, fact::Fact};

impl World {
    /// From now on every call that `picks` accepts meets this fate, until [`World::lift`].
    pub fn intercept(
        &mut self,
        fate: Fate,
        picks: impl Fn(&WorkerId, &StoreCall) -> bool + 'static,
    ) -> InterceptorId {
        let picks = Box::new(picks);
        let interceptor = Interceptor { picks, fate, lifted: false, held: Vec::new(), picked: 0 };
        self.interceptors.push(interceptor);
        InterceptorId(self.interceptors.len() - 1)
    }

    /// Picks no more calls; those held stay held.
    pub fn lift(&mut self, id: InterceptorId) {
        if let Some(interceptor) = self.interceptors.get_mut(id.0) {
            interceptor.lifted = true;
        }
    }

    /// How many calls were picked so far.
    #[must_use]
    pub fn picked(&self, id: InterceptorId) -> usize {
        self.interceptors.get(id.0).map_or(0, |interceptor| interceptor.picked)
    }

    /// The held calls reach the store now, late.
    ///
    /// # Errors
    /// The invariant that this breaks.
    pub fn land(&mut self, id: InterceptorId) -> Result<(), Violation> {
        let held = self.interceptors.get_mut(id.0).map(|i| std::mem::take(&mut i.held));
        for call in held.unwrap_or_default() {
            self.note(|| format!("late: {}", call.name()));
            self.apply(&call, false)?;
        }
        Ok(())
    }

    /// The recording starts anew from the rows as they are: they were changed by no call.
    pub(super) fn record_all_rows(&mut self) {
        let Some(timeline) = &mut self.timeline else { return };
        for (no, shard) in self.stream.shards.iter().enumerate() {
            timeline.row(no, self.store.rows.leases.get(&shard.key), self.now);
        }
    }

    /// Starts the script's workers and lets time pass.
    ///
    /// # Errors
    /// The first violation of an invariant.
    pub fn run_for(&mut self, span: Duration) -> Result<(), Violation> {
        self.start();
        let until = self.now + span;
        self.run_until(until)
    }

    /// Lets time pass as long as `waiting`, at most `span`. True if `waiting` has ended.
    ///
    /// # Errors
    /// The first violation of an invariant.
    pub fn run_while(
        &mut self,
        span: Duration,
        mut waiting: impl FnMut(&Self) -> bool,
    ) -> Result<bool, Violation> {
        self.start();
        let until = self.now + span;
        while waiting(self) {
            if self.now >= until {
                return Ok(false);
            }
            self.run_until(self.now + Duration::from_millis(1))?;
        }
        Ok(true)
    }

    /// Does something to the fleet now.
    ///
    /// # Errors
    /// The invariant that this breaks.
    pub fn act_now(&mut self, action: &Action) -> Result<(), Violation> {
        self.act(action)
    }

    /// Changes the lease rows by hand, as an operator or a defect would.
    ///
    /// # Errors
    /// None of its own: what was true of the rows before is forgotten.
    pub fn tamper(
        &mut self,
        change: impl FnOnce(&mut BTreeMap<LeaseKey, Lease>),
    ) -> Result<(), Violation> {
        change(&mut self.store.rows.leases);
        self.record_all_rows();
        self.learn(&Fact::RolledBack)
    }

    /// The stream, as a listing shows it now.
    #[must_use]
    pub fn listing(&self) -> StreamView {
        self.stream.view(self.stream.current, self.now)
    }

    /// From now on listings are answered with this; with what the stream is, if it is `None`.
    pub fn answer_listings(&mut self, with: Option<StreamView>) {
        self.stream.answers = with;
    }

    /// The documents, as they stand in the store.
    #[must_use]
    pub const fn docs(&self) -> &BTreeMap<DocName, Document> {
        &self.store.rows.docs
    }

    /// Changes the documents by hand, as an operator, a defect or another version would. Nobody is
    /// woken.
    pub fn tamper_docs(&mut self, change: impl FnOnce(&mut BTreeMap<DocName, Document>)) {
        change(&mut self.store.rows.docs);
    }

    /// What happened so far, if the world is [`World::traced`].
    #[must_use]
    pub fn trace(&self) -> &[String] {
        &self.report.trace
    }

    /// How often something was noticed so far, by the name of the notice.
    #[must_use]
    pub fn noticed(&self, kind: &str) -> u64 {
        self.report.notices.get(kind).copied().unwrap_or(0)
    }

    /// How often a lease has been taken so far.
    #[must_use]
    pub const fn acquires(&self) -> u64 {
        self.oracle.acquires
    }

    /// The processes that are up, by worker id, with the number of leases each holds.
    #[must_use]
    pub fn held(&self) -> Vec<(WorkerId, usize)> {
        let up = self.hosts.iter().filter(|host| host.is_up());
        up.map(|host| (host.worker.clone(), host.coordinator.held().count())).collect()
    }

    /// Store calls of a worker so far, by name.
    #[must_use]
    pub fn calls_of(&self, worker: &WorkerId) -> BTreeMap<&'static str, u64> {
        let host = self.hosts.iter().rfind(|host| host.worker == *worker);
        host.map_or_else(BTreeMap::new, |host| host.calls.clone())
    }

    /// The worker that plans, if one does.
    #[must_use]
    pub fn planner(&self) -> Option<WorkerId> {
        let mut up = self.hosts.iter().filter(|host| host.is_up());
        let planner = up.find(|host| host.coordinator.planning().is_some());
        planner.map(|host| host.worker.clone())
    }

    /// A lease row as it is now.
    #[must_use]
    pub fn lease(&self, key: &LeaseKey) -> Option<&Lease> {
        self.store.rows.leases.get(key)
    }

    /// The rows of the shards' leases.
    pub fn shard_leases(&self) -> impl Iterator<Item = &Lease> {
        self.store.rows.leases.values().filter(|row| !row.key.is_role())
    }

    /// Checks that the fleet has settled, as at the end of a script, and gives the report.
    ///
    /// # Errors
    /// The first violation of an invariant.
    pub fn finish(mut self) -> Result<crate::sim::Report, Violation> {
        let settle = self.script.settle;
        self.rest_since(self.now + settle * 3 / 4);
        self.run_until(self.now + settle)?;
        self.check_settled()?;
        Ok(self.into_report())
    }

    /// What an interceptor does with a call; true if it was picked.
    pub(super) fn is_intercepted(&mut self, at: usize, id: CallId, call: &StoreCall) -> bool {
        let Some(host) = self.hosts.get(at) else { return false };
        let worker = host.worker.clone();
        let picked = self
            .interceptors
            .iter_mut()
            .find(|interceptor| !interceptor.lifted && (interceptor.picks)(&worker, call));
        let Some(interceptor) = picked else { return false };
        interceptor.picked += 1;
        let fate = interceptor.fate;
        if fate == Fate::Held {
            interceptor.held.push(call.clone());
        }
        self.note(|| format!("{worker} {}: {fate:?}", call.name()));
        let soon = self.now + Duration::from_millis(2);
        if fate == Fate::Refused {
            self.reply(soon, at, id, Err(StoreErrorKind::Unavailable));
            return true;
        }
        let late = match fate {
            Fate::RequestLate(late) => Some((self.now + late, Duration::from_millis(2))),
            Fate::ReplyLate(late) => Some((soon, late)),
            _ => None,
        };
        if let Some((when, takes)) = late {
            let (call, reply) = (Box::new(call.clone()), Some(takes));
            self.put(when, SimEvent::Arrive { host: at, id, call, reply, stale: false });
            return true;
        }
        if fate == Fate::ReplyLost {
            self.put(soon, SimEvent::Again(Box::new(call.clone())));
        }
        self.give_up(at, id);
        true
    }
}
