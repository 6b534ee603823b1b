//! What actions and commands do to the world.

use std::time::Duration;

use kcl_core::{
    coordinator::{Command, Event, Notice, Outcome, RunCommand, RunEvent, RunNews, RunOrder},
    env::Time,
    lease::{Checkpoint, LeaseKey, Progress},
    stream::{Position, SequenceNumber, ShardId},
};

use super::{
    Action, Violation, World,
    host::{HostState, Slowness},
    oracle::{Dispatch, Fact},
    run::{BatchInWork, Gate, Run},
    world::Happening,
};

/// Records a batch holds at most.
const BATCH_MAX: u64 = 100;
/// How often a reader at the tip looks for more.
const IDLE_POLL: Duration = Duration::from_secs(1);

impl World {
    pub(super) fn perform(&mut self, action: &Action) -> Result<(), Violation> {
        let now = self.now;
        match action {
            Action::Join => self.start_host(self.hosts.len()),
            Action::JoinAs(which) => {
                if let Some(at) = self.pick(*which) {
                    self.start_host_as(at);
                }
            }
            Action::Crash(which) => self.on_host(*which, Self::crash),
            Action::CrashPlanner => self.on_planner(Self::crash),
            Action::CrashPlannerAndStandby => self.crash_both(),
            Action::Pause(which, span) => self.on_host(*which, |w, at| w.pause(at, *span)),
            Action::PausePlanner(span) => self.on_planner(|w, at| w.pause(at, *span)),
            Action::Leave(which) => {
                return self.pick(*which).map_or(Ok(()), |at| self.leave(at));
            }
            Action::LeavePlanner => return self.planner_host().map_or(Ok(()), |at| self.leave(at)),
            Action::Split(which) => self.stream.split(*which, now),
            Action::Merge(which) => self.stream.merge(*which, now),
            Action::CutRequests(which, span) => {
                self.on_host(*which, |w, at| w.hosts[at].requests_cut_until = now + *span);
            }
            Action::CutReplies(which, span) => {
                self.on_host(*which, |w, at| w.hosts[at].replies_cut_until = now + *span);
            }
            Action::Outage(span) => self.outage_until = now + *span,
            Action::Slow(span, extra) => self.slow = (now + *span, *extra),
            Action::SlowProcessor(which, extra, span) => {
                let slow = Slowness { until: now + *span, extra: *extra, hung: false };
                self.on_host(*which, |w, at| w.hosts[at].slow = slow);
            }
            Action::HungProcessor(which, extra, span) => {
                let slow = Slowness { until: now + *span, extra: *extra, hung: true };
                self.on_host(*which, |w, at| w.hosts[at].slow = slow);
            }
            Action::RollBack(span) => {
                self.store.roll_back(now - *span);
                return self.learn(&Fact::RolledBack);
            }
            Action::Trim => return self.trim(),
        }
        Ok(())
    }

    fn on_host(&mut self, which: usize, change: impl FnOnce(&mut Self, usize)) {
        if let Some(at) = self.pick(which) {
            change(self, at);
        }
    }

    fn on_planner(&mut self, change: impl FnOnce(&mut Self, usize)) {
        if let Some(at) = self.planner_host() {
            change(self, at);
        }
    }

    fn planner_host(&self) -> Option<usize> {
        let owner = self.store.rows.leases.get(&LeaseKey::planner())?.owner.clone()?;
        (0..self.hosts.len()).find(|at| {
            self.hosts[*at].state == HostState::Up
                && *self.hosts[*at].coordinator.session() == owner
        })
    }

    fn crash(&mut self, at: usize) {
        self.hosts[at].state = HostState::Down;
        self.hosts[at].runs.clear();
    }

    fn crash_both(&mut self) {
        let Some(planner) = self.planner_host() else { return };
        let standby = self.hosts[planner].coordinator.assignment().and_then(|a| a.standby.clone());
        self.crash(planner);
        let both = (0..self.hosts.len()).find(|at| {
            self.hosts[*at].is_up()
                && Some(self.hosts[*at].coordinator.session()) == standby.as_ref()
        });
        if let Some(at) = both {
            self.crash(at);
        }
    }

    fn pause(&mut self, at: usize, span: Duration) {
        let until = self.now + span;
        self.hosts[at].paused_until = Some(until);
        self.at(until, Happening::Resume { host: at });
    }

    fn leave(&mut self, at: usize) -> Result<(), Violation> {
        self.hosts[at].state = HostState::Leaving;
        self.deliver(at, Event::Leave)
    }

    fn start_host_as(&mut self, at: usize) {
        let name = self.hosts[at].worker.as_str().trim_start_matches('w').parse().unwrap_or(0);
        self.start_host(name);
    }

    /// The stream forgets the shards whose rows say that they have ended.
    fn trim(&mut self) -> Result<(), Violation> {
        let ended: Vec<ShardId> = self
            .store
            .rows
            .leases
            .values()
            .filter(|row| row.has_ended())
            .filter_map(|row| row.key.shard())
            .filter(|id| self.stream.shards.contains_key(id))
            .collect();
        for id in ended {
            self.stream.forget(&id);
        }
        Ok(())
    }

    pub(super) fn execute(&mut self, at: usize, command: Command) -> Result<(), Violation> {
        match command {
            Command::Store(id, call) => self.send(at, id, *call),
            Command::ListShards => {
                let takes = Duration::from_millis(20 + self.rng.below(60));
                self.at(self.now + takes, Happening::Shards { host: at });
            }
            Command::ValidUntil(until) => self.hosts[at].valid_until = until,
            Command::Run(command) => self.direct(at, command),
            Command::Notify(notice) => self.on_notice(at, &notice)?,
            Command::Finished(outcome) => {
                let worker = self.hosts[at].worker.clone();
                self.note(|| format!("{worker} is over: {outcome}"));
                self.crash(at);
                if matches!(outcome, Outcome::Duplicate(_)) {
                    let rivals = self.hosts.iter().filter(|host| host.worker == worker).count() > 1;
                    self.learn(&Fact::GaveWay { worker: &worker, rivals })?;
                }
            }
            Command::Stored(..) => {}
        }
        Ok(())
    }

    fn on_notice(&mut self, at: usize, notice: &Notice) -> Result<(), Violation> {
        let text = format!("{notice:?}");
        let kind = text.split(['(', ' ']).next().unwrap_or_default().to_owned();
        *self.report.notices.entry(kind).or_default() += 1;
        let worker = self.hosts[at].worker.clone();
        self.note(|| format!("{worker} {text}"));
        let Notice::Fenced(session, _) = notice else { return Ok(()) };
        let row = self.store.rows.sessions.get(session);
        let lives = row.is_some_and(|row| !row.has_ended());
        self.learn(&Fact::Fenced { session, lives })
    }

    fn direct(&mut self, at: usize, command: RunCommand) {
        let RunCommand { key, epoch, order } = command;
        let worker = self.hosts[at].worker.clone();
        self.note(|| match &order {
            RunOrder::Start(lease) => format!("{worker} {key}: start after {}", lease.checkpoint),
            order => format!("{worker} {key}: {order:?}"),
        });
        match order {
            RunOrder::Start(lease) => {
                let Some(shard) = key.shard() else { return };
                let done = match &lease.checkpoint {
                    Checkpoint::After(at) => at.sequence.as_str().parse().unwrap_or(0),
                    _ => 0,
                };
                self.hosts[at].runs.insert(key.clone(), Run::new(shard, epoch, done));
                self.wake_run(at, &key, self.now);
            }
            RunOrder::Drain => {
                let Some(run) = self.hosts[at].runs.get_mut(&key) else { return };
                run.gate = Gate::Draining;
                if run.batch.is_none() {
                    self.hosts[at].runs.remove(&key);
                    self.tell(at, &key, epoch, RunNews::Stopped);
                }
            }
            RunOrder::Drop(_) => {
                let Some(run) = self.hosts[at].runs.get_mut(&key) else { return };
                if run.batch.is_some_and(|batch| batch.hung) {
                    run.gate = Gate::Dropped;
                } else {
                    self.hosts[at].runs.remove(&key);
                    self.tell(at, &key, epoch, RunNews::Stopped);
                }
            }
            RunOrder::Suspend => {
                if let Some(run) = self.hosts[at].runs.get_mut(&key) {
                    run.gate = Gate::Suspended;
                    run.batch = None;
                }
            }
            RunOrder::Resume => {
                if let Some(run) = self.hosts[at].runs.get_mut(&key) {
                    run.gate = Gate::Open;
                    self.wake_run(at, &key, self.now);
                }
            }
        }
    }

    /// A run's news reach its coordinator as an event of its own, a moment later.
    fn tell(&mut self, at: usize, key: &LeaseKey, epoch: kcl_core::lease::Epoch, news: RunNews) {
        let event = RunEvent { key: key.clone(), epoch, news };
        self.at(self.now, Happening::News { host: at, event: Box::new(event) });
    }

    fn wake_run(&mut self, at: usize, key: &LeaseKey, when: Time) {
        let Some(run) = self.hosts[at].runs.get_mut(key) else { return };
        run.ticket += 1;
        let ticket = run.ticket;
        self.at(when, Happening::Run { host: at, key: key.clone(), ticket });
    }

    pub(super) fn step_run(
        &mut self,
        at: usize,
        key: &LeaseKey,
        ticket: u64,
    ) -> Result<(), Violation> {
        let now = self.now;
        let Some(host) = self.hosts.get_mut(at).filter(|host| host.is_up()) else { return Ok(()) };
        let (valid, paused) = (host.clock.local(now) < host.valid_until, host.paused_until);
        let Some(run) = host.runs.get_mut(key).filter(|run| run.ticket == ticket) else {
            return Ok(());
        };
        if let Some(until) = paused.filter(|until| now < *until) {
            self.wake_run(at, key, until);
            return Ok(());
        }
        if !valid {
            // Past the deadline the batch is dropped; its records come again.
            run.batch = None;
            if !matches!(run.gate, Gate::Draining | Gate::Dropped) {
                self.wake_run(at, key, now + IDLE_POLL / 10);
                return Ok(());
            }
        }
        let dropped = run.gate == Gate::Dropped;
        if let Some(batch) = run.batch.take().filter(|_| !dropped) {
            self.finish_batch(at, key, batch)?;
        }
        self.go_on(at, key)
    }

    fn finish_batch(
        &mut self,
        at: usize,
        key: &LeaseKey,
        batch: BatchInWork,
    ) -> Result<(), Violation> {
        let Some(run) = self.hosts[at].runs.get_mut(key) else { return Ok(()) };
        let (shard, after, epoch) = (run.shard.clone(), run.done, run.epoch);
        run.done = batch.last;
        self.learn(&Fact::Processed { shard: &shard, after, to: batch.last })?;
        let position = Position::from(SequenceNumber::from(u128::from(batch.last)));
        let news = RunNews::Progress {
            checkpoint: Checkpoint::After(position),
            progress: Progress::NONE,
            flush: false,
        };
        self.tell(at, key, epoch, news);
        Ok(())
    }

    /// Dispatches the next records, or reports the end, or looks again later.
    fn go_on(&mut self, at: usize, key: &LeaseKey) -> Result<(), Violation> {
        let Some(run) = self.hosts[at].runs.get(key).cloned() else { return Ok(()) };
        match run.gate {
            Gate::Suspended => return Ok(()),
            Gate::Draining | Gate::Dropped => {
                self.hosts[at].runs.remove(key);
                self.tell(at, key, run.epoch, RunNews::Stopped);
                return Ok(());
            }
            Gate::Open => {}
        }
        let count = self.stream.count(&run.shard, self.now);
        if run.done < count && self.stream.shards.contains_key(&run.shard) {
            return self.dispatch(at, key, &run, count.min(run.done + BATCH_MAX));
        }
        if self.stream.is_closed(&run.shard) {
            if !run.ended {
                if let Some(run) = self.hosts[at].runs.get_mut(key) {
                    run.ended = true;
                }
                let children = self.stream.children(&run.shard);
                self.tell(at, key, run.epoch, RunNews::Ended { children });
            }
            return Ok(());
        }
        self.wake_run(at, key, self.now + IDLE_POLL);
        Ok(())
    }

    fn dispatch(
        &mut self,
        at: usize,
        key: &LeaseKey,
        run: &Run,
        last: u64,
    ) -> Result<(), Violation> {
        let (takes, hung) = self.hosts[at].takes(self.now);
        let until = self.now + takes;
        let overlaps = self.processing_elsewhere(at, &run.shard);
        let worker = self.hosts[at].worker.clone();
        let parents = self.stream.get(&run.shard).map(|shard| shard.listed.parents.clone());
        let parents = parents.unwrap_or_default().into_iter();
        let parents = parents.map(|id| (id.clone(), self.stream.count(&id, self.now))).collect();
        let fact = Fact::Dispatched(Dispatch {
            worker: &worker,
            shard: &run.shard,
            epoch: run.epoch,
            after: run.done,
            to: last,
            parents,
            overlaps,
        });
        self.oracle.learn(self.now, &fact)?;
        if let Some(run) = self.hosts[at].runs.get_mut(key) {
            run.batch = Some(BatchInWork { last, until, hung });
        }
        self.wake_run(at, key, until);
        Ok(())
    }

    /// Another worker that has records of the shard in its processor.
    fn processing_elsewhere(
        &self,
        me: usize,
        shard: &ShardId,
    ) -> Option<kcl_core::lease::WorkerId> {
        let others = self.hosts.iter().enumerate().filter(|(at, host)| *at != me && host.is_up());
        let mut busy = others.filter(|(_, host)| {
            let valid = host.clock.local(self.now) < host.valid_until;
            let busy = |run: &Run| {
                run.shard == *shard && run.batch.is_some_and(|batch| self.now < batch.until)
            };
            valid && host.runs.values().any(busy)
        });
        busy.next().map(|(_, host)| host.worker.clone())
    }
}
