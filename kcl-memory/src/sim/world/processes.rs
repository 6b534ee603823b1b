//! Processes that start, stop, stand still and go on.

use std::time::Duration;

use kcl_core::{
    coordinator::Event,
    env::Time,
    lease::{LeaseKey, WorkerId},
};

use super::{
    World,
    host::{Host, HostState, Still, Stillness},
    sim_events::SimEvent,
};
use crate::sim::{Violation, stream::StreamNo};

/// Workers at once, at most.
const HOSTS_UP_MAX: usize = 24;
/// Workers in one run, at most.
const HOSTS_MAX: usize = 120;

impl World {
    /// Starts a worker under the next unused id.
    pub(super) fn start_new_host(&mut self, changed: bool, reads: StreamNo) -> bool {
        let number = self.next_worker;
        self.next_worker += 1;
        #[expect(clippy::expect_used, reason = "the name is made of digits and letters")]
        let worker = format!("w{number}").parse().expect("a valid worker id");
        self.start_host(worker, changed, reads)
    }

    pub(super) fn start_host(&mut self, worker: WorkerId, changed: bool, reads: StreamNo) -> bool {
        let up = self.hosts.iter().filter(|host| host.is_up()).count();
        if up >= HOSTS_UP_MAX || self.hosts.len() >= HOSTS_MAX {
            return false;
        }
        let at = self.hosts.len();
        let mut settings = if changed { &self.script.next } else { &self.script.settings }.clone();
        if let Some(zone) = self.script.zone_of(at) {
            settings.zone = Some(zone);
        }
        // Each host draws for itself, so that dropping a step from a script changes little else.
        let number = u64::try_from(at).unwrap_or(u64::MAX);
        let seed = self.script.seed ^ (number + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let mut host = Host::new((worker, reads), settings, seed, self.script.drift, self.now);
        let soon = self.now + Duration::from_millis(host.rng.below(200));
        host.timer_at = soon;
        self.hosts.push(host);
        self.put(soon, SimEvent::Timer { host: at, number: 0 });
        if self.script.pushes {
            self.put(soon, SimEvent::Pushes { host: at });
        }
        true
    }

    /// A process that is up, by any number.
    pub(super) fn pick(&self, which: usize) -> Option<usize> {
        let up: Vec<usize> =
            (0..self.hosts.len()).filter(|at| self.hosts[*at].state == HostState::Up).collect();
        if up.is_empty() { None } else { up.get(which % up.len()).copied() }
    }

    pub(super) fn planner_host(&self) -> Option<usize> {
        let owner = self.store.rows.leases.get(&LeaseKey::planner())?.owner.as_ref()?;
        (0..self.hosts.len()).find(|at| {
            self.hosts[*at].state == HostState::Up && self.hosts[*at].coordinator.session() == owner
        })
    }

    /// Those that watch all sessions and are up, in the order in which they plan.
    fn heads(&self) -> Vec<usize> {
        let Some(planner) = self.planner_host() else { return Vec::new() };
        let assignment = self.hosts[planner].coordinator.assignment();
        let standbys = assignment.into_iter().flat_map(|told| [&told.standby, &told.second]);
        let up = |session| {
            let is_it = |host: &Host| host.is_up() && host.coordinator.session() == session;
            self.hosts.iter().position(is_it)
        };
        std::iter::once(planner).chain(standbys.flatten().filter_map(up)).collect()
    }

    pub(super) fn crash(&mut self, at: usize) {
        let now = self.now;
        let host = &mut self.hosts[at];
        if host.state == HostState::Down {
            return;
        }
        host.state = HostState::Down;
        let shards: Vec<_> = std::mem::take(&mut host.runs).into_keys().collect();
        self.report.worker_time += now.since(host.since);
        if let Some(timeline) = &mut self.timeline {
            for shard in shards {
                timeline.stopped(at, shard, now);
            }
        }
    }

    /// So many heads and so many others die at one instant; false if nobody plans.
    pub(super) fn crash_together(&mut self, heads: usize, others: usize) -> bool {
        let all = self.heads();
        let rest = (0..self.hosts.len()).filter(|at| self.hosts[*at].is_up() && !all.contains(at));
        let rest: Vec<usize> = rest.take(others).collect();
        for at in all.iter().take(heads).chain(&rest) {
            self.crash(*at);
        }
        !all.is_empty()
    }

    /// Every worker of a zone dies at one instant; false if nobody was there.
    pub(super) fn crash_zone(&mut self, which: usize) -> bool {
        let zone = self.script.zone_of(which);
        let dies = |at: &usize| self.hosts[*at].is_up() && self.hosts[*at].zone == zone;
        let dying: Vec<usize> =
            (0..self.hosts.len()).filter(|at| zone.is_some() && dies(at)).collect();
        for at in &dying {
            self.crash(*at);
        }
        !dying.is_empty()
    }

    pub(super) fn stand_still(&mut self, at: usize, span: Duration, how: Stillness) {
        let until = self.now + span;
        let host = &mut self.hosts[at];
        if host.stands_still(self.now).is_some() {
            return;
        }
        host.still = Some(Still { since: self.now, until, how });
        self.record_runs(at);
        self.put(until, SimEvent::Resume { host: at });
    }

    pub(super) fn resume(&mut self, at: usize) -> Result<(), Violation> {
        let now = self.now;
        let Some(host) = self.hosts.get_mut(at).filter(|host| host.is_up()) else { return Ok(()) };
        let Some(still) = host.still.take_if(|still| still.until <= now) else { return Ok(()) };
        let span = still.until.since(still.since);
        if still.how == Stillness::Uncounted {
            host.clock.set_back(span);
        }
        let inbox = std::mem::take(&mut host.inbox);
        let worker = host.worker.clone();
        self.note(|| format!("{worker} goes on"));
        self.record_runs(at);
        if still.how == Stillness::Stopped {
            self.hosts[at].timer_at = Time::NEVER;
            self.deliver(at, Event::Tick)?;
        } else {
            self.delay_timer(at, span);
        }
        for event in inbox {
            self.deliver(at, event)?;
        }
        Ok(())
    }

    /// Timers do not see that the machine was suspended: what was set goes off so much later.
    fn delay_timer(&mut self, at: usize, span: Duration) {
        let host = &mut self.hosts[at];
        if host.timer_at != Time::NEVER {
            host.timer += 1;
            host.timer_at = host.timer_at + span;
            let (due, number) = (host.timer_at, host.timer);
            self.put(due, SimEvent::Timer { host: at, number });
        }
    }

    pub(super) fn leave(&mut self, at: usize) -> Result<(), Violation> {
        self.hosts[at].state = HostState::Leaving;
        self.deliver(at, Event::Leave)
    }

    pub(super) fn join_as(&mut self, which: usize) -> bool {
        let Some(at) = self.pick(which) else { return false };
        let (worker, reads) = (self.hosts[at].worker.clone(), self.hosts[at].reads);
        self.start_host(worker, false, reads)
    }

    /// The stream that is not this one, if there are two.
    pub(super) fn other_stream(&self, one: StreamNo) -> StreamNo {
        if self.script.has_two_streams() { 1 - one } else { one }
    }

    /// Every worker stops, and as many start again later under the same ids, of the other stream or
    /// not.
    pub(super) fn cold_start(&mut self, down: Duration, other: bool) -> bool {
        let up: Vec<usize> = (0..self.hosts.len()).filter(|at| self.hosts[*at].is_up()).collect();
        for at in &up {
            let (worker, was) = (self.hosts[*at].worker.clone(), self.hosts[*at].reads);
            let reads = if other { self.other_stream(was) } else { was };
            self.crash(*at);
            let start = SimEvent::Start { worker, changed: false, reads };
            self.put(self.now + down, start);
        }
        !up.is_empty()
    }

    /// Each worker is replaced in its turn.
    pub(super) fn deploy(&mut self, apart: Duration) -> bool {
        let mut when = self.now;
        let up: Vec<usize> =
            (0..self.hosts.len()).filter(|at| self.hosts[*at].state == HostState::Up).collect();
        for host in &up {
            self.put(when, SimEvent::Replace { host: *host });
            when = when + apart;
        }
        !up.is_empty()
    }

    /// A new worker starts with the next settings, and this one is asked to leave.
    pub(super) fn replace(&mut self, at: usize) -> Result<(), Violation> {
        if self.hosts[at].state != HostState::Up || !self.start_new_host(true, self.hosts[at].reads)
        {
            return Ok(());
        }
        self.leave(at)
    }
}
