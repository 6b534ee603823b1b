//! After the last fault: what has to hold, and when.

use std::time::Duration;

use kcl_core::{
    coordinator::StoreCall,
    env::Time,
    lease::{Lease, LeaseKey, Session},
    settings::Coordination,
};

use super::{
    World,
    host::{Host, HostState},
    past::Trap,
    runs::BATCH_MAX,
    sim_events::SimEvent,
};
use crate::sim::{
    Violation,
    fact::{Fact, Settled, SettledShard, SettledWorker},
    oracle::LATE_MAX,
    stream::ShardNo,
};

/// Round trips to the store from a dead session's end to the new owner's first read: the fence,
/// the rows, the shards, the documents read and written, the wake-up, the new owner's look, its
/// beat, its acquire; and as many again where one is refused.
const ROUND_TRIPS: u32 = 20;

/// What a batch may take on the slowest machine, and what comes in meanwhile.
const SLOWEST_BATCH: Duration = Duration::from_millis(300);

/// How often those look at the planner that are not near in the order of succession.
const FAR_LOOK: Duration = Duration::from_secs(30);

impl World {
    /// The settings that workers of this run have.
    pub(super) fn settings_used(&self) -> impl Iterator<Item = &Coordination> {
        let next = self.past.changed.then_some(&self.script.next);
        std::iter::once(&self.script.settings).chain(next)
    }

    /// Nothing fails any more: says when everything has to be in order.
    pub(super) fn become_calm(&mut self) {
        if self.is_commanded() {
            // A command is at it: it is calm when that is over.
            self.active_faults.calm = true;
            self.look_at_commands();
            return self.put(self.now + Duration::from_secs(1), SimEvent::Calm);
        }
        self.note(|| "--- calm".into());
        self.active_faults.calm = true;
        self.past.trap = None;
        let quiet = self.sim_events.last_trouble().map_or(self.now, |last| last.max(self.now));
        let quiet = self.last_end().map_or(quiet, |last| last.max(quiet));
        let due = quiet + self.bound();
        self.past.rest = due + self.round() + self.weighing();
        self.put(due, SimEvent::Due);
        let end = self.past.rest + Duration::from_secs(1);
        self.end = end.max(self.now + self.script.settle) + self.catching_up();
    }

    /// How long after the last fault every lease that can be read is owned and run: PROTOCOL
    /// §8, last paragraph.
    fn bound(&self) -> Duration {
        let longest = |of: fn(&Coordination) -> Duration| {
            self.settings_used().map(of).max().unwrap_or_default()
        };
        let timeout = longest(|s| s.session_timeout);
        let audit = longest(|s| s.audit_interval);
        let mut bound = self.usual_bound();
        if self.most_are_dead() {
            bound += timeout;
        }
        if let Some(near) = self.near_without_heads() {
            // The windows of those that were no heads are opened anew.
            bound += timeout;
            if !near {
                bound += FAR_LOOK * 2;
            }
        }
        if self.past.went_back.is_some() {
            bound += timeout;
        }
        // Who reads another stream waits for the end of those that read this one.
        if self.past.strangers {
            bound += (timeout + longest(|s| s.watch_interval)) * 2;
        }
        if self.past.unlisted {
            bound += longest(|s| s.shard_sync_interval);
        }
        // What the rules now say the next audit finds out.
        if self.placement.changed.is_some() {
            bound += audit;
        }
        bound
    }

    /// How long the readers of a stream that nobody read before may take to come to its tip.
    fn catching_up(&self) -> Duration {
        // Nor where a shard that moves is read from its beginning.
        if !self.past.strangers && self.script.checkpoints {
            return Duration::ZERO;
        }
        // A shard is read after its parents, which stand before it.
        let mut chains: Vec<u64> = Vec::new();
        for (no, shard) in self.stream.shards.iter().enumerate() {
            let before = shard.parents.iter().filter_map(|parent| chains.get(*parent)).max();
            chains.push(self.stream.count(no, self.now) + before.copied().unwrap_or(0));
        }
        let batches = chains.into_iter().max().unwrap_or(0) / BATCH_MAX + 1;
        SLOWEST_BATCH * u32::try_from(batches).unwrap_or(u32::MAX)
    }

    /// How long it takes where one worker died.
    fn usual_bound(&self) -> Duration {
        let usual = |s: &Coordination| {
            let trips = (self.script.network.least + self.script.network.spread) * 2 * ROUND_TRIPS;
            s.session_timeout + s.watch_interval + s.heartbeat_interval * 2 + s.join_gather + trips
        };
        self.settings_used().map(usual).max().unwrap_or_default()
    }

    /// One round of balancing: everybody is known, the plan is made, what moves has moved. And
    /// time for the readers of some generations of shards to come to their ends.
    fn round(&self) -> Duration {
        let rounds = self.settings_used().map(|s| s.session_timeout + s.heartbeat_interval * 4);
        rounds.max().unwrap_or_default() + Duration::from_secs(2) + self.script.poll * 4
    }

    fn live_rows(&self) -> impl Iterator<Item = &Session> {
        self.store.rows.sessions.values().filter(|row| !row.has_ended())
    }

    fn is_dead(&self, row: &Session) -> bool {
        !self.hosts.iter().any(|host| host.is_up() && *host.coordinator.session() == row.id)
    }

    /// More than half of four or more sessions are dead, and not yet ended.
    fn most_are_dead(&self) -> bool {
        let all = self.live_rows().count();
        let dead = self.live_rows().filter(|row| self.is_dead(row)).count();
        all >= 4 && dead * 2 > all
    }

    /// If nobody lives that watches all sessions: whether one does that is near in the order of
    /// succession, and looks at those that did.
    fn near_without_heads(&self) -> Option<bool> {
        // Who is about to be replaced under its id plans and stands by no longer.
        let up = || {
            let hosts = self.hosts.iter().enumerate().filter(|(_, host)| host.is_up());
            hosts.filter(|(at, _)| !self.is_outlived(*at)).map(|(_, host)| host)
        };
        let owner =
            self.store.rows.leases.get(&LeaseKey::planner()).and_then(|row| row.owner.as_ref());
        // A planner that dies in the midst of its plan may have told others, and not a standby.
        let is_head = |host: &Host| {
            let session = host.coordinator.session();
            let told = host.coordinator.assignment().into_iter();
            let mut standbys = told.flat_map(|told| [&told.standby, &told.second]).flatten();
            // Whose session others have ended watches nobody: the next one begins anew.
            let row = self.store.rows.sessions.get(session);
            let lives = row.is_some_and(|row| !row.has_ended());
            lives && (Some(session) == owner || standbys.any(|id| id == session))
        };
        if up().any(is_head) {
            return None;
        }
        // Who has not been told anything looks as often as who is near.
        let is_near = |host: &Host| host.coordinator.assignment().is_none_or(|told| told.rank <= 8);
        Some(up().any(is_near))
    }

    /// Whether a newer process uses the worker id of this one.
    fn is_outlived(&self, at: usize) -> bool {
        let newer = self.hosts.iter().skip(at + 1).filter(|host| host.is_up());
        newer.map(|host| &host.worker).any(|worker| *worker == self.hosts[at].worker)
    }

    pub(super) fn check_due(&mut self) -> Result<(), Violation> {
        let settled = self.settled();
        self.oracle.learn(self.now, &Fact::Due(&settled))
    }

    /// Checks what must hold at the end of a calm run.
    pub(super) fn check_settled(&mut self) -> Result<(), Violation> {
        let settled = self.settled();
        self.oracle.learn(self.now, &Fact::Settled(&settled))
    }

    /// From `since` on nothing may have moved.
    pub(super) const fn rest_since(&mut self, since: Time) {
        self.past.rest = since;
    }

    fn settled(&self) -> Settled {
        let up = self.hosts.iter().filter(|host| host.is_up());
        let running = up.map(|host| {
            let runs = host.runs.iter().map(|(no, run)| (*no, (run.epoch(), run.done))).collect();
            let stranger = host.reads != self.stream.current;
            let drained = self.is_drained(&host.worker);
            let worker = SettledWorker { runs, stays: host.is_member(), stranger, drained };
            (host.coordinator.session().clone(), worker)
        });
        let waiting = self.waiting();
        let shards = self.stream.shards.iter().enumerate().map(|(no, shard)| SettledShard {
            key: shard.key.clone(),
            count: self.stream.count(no, self.now),
            open: shard.is_open(),
            paused: self.is_paused(no),
            needed: !shard.forgotten
                && !shard.former
                && shard.of == self.stream.current
                && !waiting.contains(&no),
            parents: shard.parents.clone(),
        });
        let poll = u64::try_from((self.script.poll.as_millis() + 3_000) / 1_000).unwrap_or(3);
        Settled {
            leases: self.store.rows.leases.clone(),
            running: running.collect(),
            shards: shards.collect(),
            even: self.placement.is_even() && !self.is_weighted(),
            load: self.load(),
            checkpoints: self.script.checkpoints,
            slack: self.script.rate / 100 * (1 + self.script.skew) * poll + 4,
            rest_since: self.past.rest,
            runnable_since: self.now - self.usual_bound(),
        }
    }

    /// What the end or the deletion of a row leaves nobody to read.
    pub(super) fn uncovered(
        &self,
        shard: Option<ShardNo>,
        after: Option<&Lease>,
    ) -> Option<String> {
        let no = shard.filter(|_| after.is_none_or(Lease::has_ended))?;
        let shard = &self.stream.shards[no];
        // What was sent before the store lost the children's rows is no decision of anybody's now.
        let back = self.past.went_back.is_some_and(|at| self.since(at) < LATE_MAX);
        if shard.former || back {
            return None;
        }
        if after.is_none() && !shard.forgotten {
            return Some(format!("{} is listed and has no lease", shard.listed.id));
        }
        let mut children = shard.children.iter().map(|child| &self.stream.shards[*child]);
        let left = children
            .find(|child| !child.forgotten && !self.store.rows.leases.contains_key(&child.key));
        left.map(|child| {
            format!("{} has ended, its child {} has no lease", shard.listed.id, child.listed.id)
        })
    }

    /// Whether this call is the one that the planner does not survive, and the standby neither.
    pub(super) fn springs_trap(&mut self, at: usize, call: &StoreCall) -> Option<bool> {
        let trap = self.past.trap?;
        let is_plan = matches!(call, StoreCall::PutDoc(put) if put.name.as_str().starts_with('a'));
        if !is_plan || self.planner_host() != Some(at) {
            return None;
        }
        self.past.trap =
            (trap.documents > 0).then(|| Trap { documents: trap.documents - 1, ..trap });
        self.past.trap.is_none().then_some(trap.both)
    }
}

impl Host {
    /// Whether it takes part and stays.
    pub(super) fn is_member(&self) -> bool {
        self.state == HostState::Up
    }
}
