//! What coordinators want done, and the runs that they direct.

use std::time::Duration;

use kcl_core::{
    coordinator::{Command, Notice, Outcome, RunCommand, RunNews, RunOrder},
    env::Time,
    lease::{Checkpoint, Epoch, Lease, Progress, WorkerId},
    stream::{Position, SequenceNumber},
    worker::gate::GateState,
};

use super::{
    World,
    gates::Dispatchable,
    run::{BatchInWork, Run},
    sim_events::SimEvent,
};
use crate::sim::{
    Violation,
    fact::{Dispatch, Fact},
    invariant::Excuse,
    report::kind_of,
    stream::{Pages, ShardNo},
    timeline::Span,
};

/// How long the stream takes to say what it is.
const DESCRIBING: Duration = Duration::from_millis(30);
/// Records a batch holds at most.
pub(super) const BATCH_MAX: u64 = 100;
/// How long a run waits before it gives a failed batch to the processor again.
const BACKOFF: Duration = Duration::from_millis(500);

impl World {
    pub(super) fn execute(&mut self, at: usize, command: Command) -> Result<(), Violation> {
        if !self.hosts[at].is_up() {
            // It died of an earlier command of the same event.
            return Ok(());
        }
        match command {
            Command::Store(id, call) => {
                let springs = self.springs_trap(at, &call);
                self.send(at, id, call);
                if let Some(both) = springs {
                    self.note(|| "--- the planner crashes in the midst of its plan".into());
                    self.crash_together(if both { 2 } else { 1 }, 0);
                }
            }
            Command::Describe(id, _) => {
                let described = SimEvent::Described { host: at, id };
                self.put(self.now + DESCRIBING, described);
            }
            Command::ListShards(id, _) => {
                let rng = &mut self.hosts[at].rng;
                let more = self.active_faults.network(&self.script.network, self.now).listing;
                let takes = Duration::from_millis(20 + rng.below(60)) + rng.span(more);
                let pages = match rng.below(2) {
                    0 => Pages::Asked,
                    _ if takes.as_micros().is_multiple_of(3) => Pages::Between,
                    _ => Pages::Answered,
                };
                let then = Box::new(self.stream.view(self.hosts[at].reads, self.now));
                let listed = SimEvent::Shards { host: at, id, then, pages };
                self.put(self.now + takes, listed);
            }
            Command::Measure => {
                let report = Box::new(self.measure(at));
                self.put(self.now, SimEvent::Measured { host: at, report });
            }
            Command::ValidUntil(until) => self.hosts[at].gates.validity.set(until),
            Command::Run(command) => return self.direct(at, command),
            Command::Notify(notice) => return self.on_notice(at, &notice),
            Command::Finished(outcome) => {
                let worker = self.hosts[at].worker.clone();
                self.note(|| format!("{worker} is over: {outcome}"));
                self.crash(at);
                match outcome {
                    Outcome::Duplicate(_) => {
                        let of_its_id = self.hosts.iter().filter(|host| host.worker == worker);
                        let rivals = of_its_id.count() > 1;
                        self.learn(&Fact::GaveWay { worker: &worker, rivals })?;
                    }
                    Outcome::OtherStream { .. } => self.on_left_for_stream(at)?,
                    _ => {}
                }
            }
            Command::Stored(..) => {}
        }
        Ok(())
    }

    fn on_notice(&mut self, at: usize, notice: &Notice) -> Result<(), Violation> {
        *self.report.notices.entry(kind_of(notice)).or_default() += 1;
        let worker = &self.hosts[at].worker;
        if self.tracing {
            let line = format!("{worker} {notice:?}");
            self.note(|| line);
        }
        match notice {
            Notice::Registered(session) => self.on_joined(at, session),
            Notice::Planned { moves, .. } => self.learn(&Fact::Planned { moves: *moves }),
            // An owner that never said that it saw the order may still process.
            Notice::Forced { overlap: true, .. } => {
                self.oracle.excuse(Excuse::Overlap);
                Ok(())
            }
            Notice::Fenced(session, _) => {
                let row = self.store.rows.sessions.get(session);
                let lives = row.is_some_and(|row| !row.has_ended());
                self.learn(&Fact::Fenced { session, lives })
            }
            _ => Ok(()),
        }
    }

    fn direct(&mut self, at: usize, command: RunCommand) -> Result<(), Violation> {
        let RunCommand { key, epoch, order } = command;
        if self.tracing {
            let worker = self.hosts[at].worker.clone();
            self.note(|| match &order {
                RunOrder::Start(row) => format!("{worker} {key}: start after {}", row.checkpoint),
                order => format!("{worker} {key}: {order:?}"),
            });
        }
        let Some(no) = self.stream.number(&key) else { return Ok(()) };
        if let RunOrder::Start(row) = order {
            self.check_run(at, no)?;
            self.start_run(at, no, epoch, &row);
            return Ok(());
        }
        let host = &mut self.hosts[at];
        let run = host.runs.get_mut(&no).filter(|run| run.epoch() == epoch);
        let Some(run) = run else { return Ok(()) };
        match order {
            RunOrder::Start(_) => {}
            RunOrder::Drain { until } => {
                run.gate.drain(until);
                if run.batch.is_none() {
                    self.stop_run(at, no);
                }
            }
            RunOrder::Drop(_) => {
                run.gate.set(GateState::Dropped);
                if run.batch.is_none_or(|batch| !batch.hung) {
                    self.stop_run(at, no);
                }
            }
            RunOrder::Suspend => {
                run.gate.set(GateState::Suspended);
                run.batch = None;
                run.meter.end(host.clock.local(self.now));
                self.record_run(at, no);
            }
            RunOrder::Resume => {
                run.gate.set(GateState::Open);
                self.record_run(at, no);
                self.wake_run(at, no, self.now);
            }
        }
        Ok(())
    }

    fn start_run(&mut self, at: usize, no: ShardNo, epoch: Epoch, row: &Lease) {
        let done = match &row.checkpoint {
            Checkpoint::After(at) => at.sequence.as_str().parse().unwrap_or(0),
            Checkpoint::AtTimestamp(time) => self.stream.count_before(no, *time),
            _ => 0,
        };
        let host = &mut self.hosts[at];
        let run = Run::new(row.key.clone(), host.gates.open(epoch), done, host.look(self.now));
        host.runs.insert(no, run);
        self.record_run(at, no);
        self.wake_run(at, no, self.now);
    }

    fn stop_run(&mut self, at: usize, no: ShardNo) {
        if let Some(run) = self.hosts[at].runs.remove(&no) {
            run.gate.report(&run.key, RunNews::Stopped);
            self.hear_gates(at);
        }
        self.record_run(at, no);
    }

    /// For pictures: whether a process reads a shard from now on.
    pub(super) fn record_run(&mut self, at: usize, no: ShardNo) {
        let (Some(timeline), Some(host)) = (&mut self.timeline, self.hosts.get(at)) else { return };
        let run =
            host.runs.get(&no).filter(|run| !run.ended && run.gate.state() != GateState::Suspended);
        match run.filter(|_| host.is_up() && host.stands_still(self.now).is_none()) {
            Some(run) => {
                let (worker, epoch) = (host.worker.clone(), run.epoch());
                let span = Span { shard: no, worker, epoch, from: self.now, to: Time::NEVER };
                timeline.reads(at, span);
            }
            None => timeline.stopped(at, no, self.now),
        }
    }

    /// The same for all that it runs.
    pub(super) fn record_runs(&mut self, at: usize) {
        if self.timeline.is_some() {
            let shards: Vec<_> = self.hosts[at].runs.keys().copied().collect();
            shards.into_iter().for_each(|shard| self.record_run(at, shard));
        }
    }

    /// What gates report reaches the coordinator as an event of its own, a moment later.
    fn hear_gates(&mut self, at: usize) {
        while let Some(event) = self.hosts[at].gates.next_report() {
            self.put(self.now, SimEvent::News { host: at, event: Box::new(event) });
        }
    }

    fn wake_run(&mut self, at: usize, no: ShardNo, when: Time) {
        let Some(run) = self.hosts[at].runs.get_mut(&no) else { return };
        run.ticket += 1;
        let ticket = run.ticket;
        self.put(when, SimEvent::Run { host: at, shard: no, ticket });
    }

    pub(super) fn step_run(
        &mut self,
        at: usize,
        no: ShardNo,
        ticket: u64,
    ) -> Result<(), Violation> {
        let now = self.now;
        let Some(host) = self.hosts.get_mut(at).filter(|host| host.is_up()) else { return Ok(()) };
        let (local, still) = (host.look(now), host.stands_still(now));
        let fails = now < host.failing_until;
        let Some(run) = host.runs.get_mut(&no).filter(|run| run.ticket == ticket) else {
            return Ok(());
        };
        if let Some(still) = still {
            self.wake_run(at, no, still.until);
            return Ok(());
        }
        run.meter.end(local);
        // A batch that may not go on is dropped; its records come again.
        let batch = run.batch.take().filter(|_| run.gate.may_process());
        if batch.is_some() && fails {
            let is_open = run.gate.state() == GateState::Open;
            self.count_fault("batch-failed");
            if is_open {
                self.wake_run(at, no, now + BACKOFF);
                return Ok(());
            }
        } else if let Some(batch) = batch {
            let was_full = self.finish_batch(at, no, batch)?;
            // At the tip a reader idles; a closed shard it reads to the end.
            if !was_full && self.idles(at, no) {
                self.wake_run(at, no, now + self.script.poll);
                return Ok(());
            }
        }
        self.go_on(at, no)
    }

    /// True if the batch held as many records as one can.
    fn finish_batch(
        &mut self,
        at: usize,
        no: ShardNo,
        batch: BatchInWork,
    ) -> Result<bool, Violation> {
        let Some(run) = self.hosts[at].runs.get_mut(&no) else { return Ok(false) };
        let (after, epoch) = (run.done, run.epoch());
        run.done = batch.last;
        run.meter.process(batch.last - after);
        let fact = Fact::Processed { shard: no, epoch, after, to: batch.last };
        self.learn(&fact)?;
        if !self.script.checkpoints {
            return Ok(batch.last - after >= BATCH_MAX);
        }
        let position = Position::from(SequenceNumber::from(u128::from(batch.last)));
        let news = RunNews::Progress {
            checkpoint: Checkpoint::After(position),
            progress: Progress::NONE,
            flush: false,
        };
        if let Some(run) = self.hosts[at].runs.get(&no) {
            run.gate.report(&run.key, news);
            self.hear_gates(at);
        }
        Ok(batch.last - after >= BATCH_MAX)
    }

    /// Whether a run that may go on has nothing to do but to wait for more records.
    fn idles(&self, at: usize, no: ShardNo) -> bool {
        let run = self.hosts[at].runs.get(&no);
        self.stream.shards[no].is_open()
            && run.is_some_and(|run| run.gate.state() == GateState::Open)
    }

    /// Dispatches the next records, or reports the end, or looks again later.
    fn go_on(&mut self, at: usize, no: ShardNo) -> Result<(), Violation> {
        let reaches = self.reaches_stream(at);
        let count = self.stream.count(no, self.now);
        let poll = self.now + self.script.poll;
        let host = &mut self.hosts[at];
        let Some(run) = host.runs.get_mut(&no) else { return Ok(()) };
        match host.gates.ask(&run.gate) {
            Dispatchable::Now => {}
            Dispatchable::Later(Time::NEVER) => return Ok(()),
            Dispatchable::Later(local) => {
                let again = host.clock.global(local);
                self.wake_run(at, no, again);
                return Ok(());
            }
            Dispatchable::Never => {
                self.stop_run(at, no);
                return Ok(());
            }
        }
        let epoch = run.epoch();
        let shard = &self.stream.shards[no];
        if !reaches || shard.former {
            // A reader of what cannot be reached tries again and again.
            self.wake_run(at, no, poll);
            return Ok(());
        }
        if run.done < shard.trimmed {
            run.done = shard.trimmed;
            self.oracle.learn(self.now, &Fact::Lost { shard: no, epoch, to: shard.trimmed })?;
        }
        self.note_read(at, no, count);
        let Some(run) = self.hosts[at].runs.get_mut(&no) else { return Ok(()) };
        let shard = &self.stream.shards[no];
        if run.done < count && !shard.forgotten {
            let last = count.min(run.done + BATCH_MAX);
            return self.dispatch(at, no, last);
        }
        if shard.is_open() {
            self.wake_run(at, no, poll);
        } else if !std::mem::replace(&mut run.ended, true) {
            run.gate.report(&run.key, RunNews::Ended { children: self.stream.children(no) });
            self.hear_gates(at);
            self.record_run(at, no);
        }
        Ok(())
    }

    fn dispatch(&mut self, at: usize, no: ShardNo, last: u64) -> Result<(), Violation> {
        let (takes, hung) = self.hosts[at].takes(self.now);
        let until = self.now + takes;
        let overlaps = self.processing_elsewhere(at, no);
        let local = self.hosts[at].clock.local(self.now);
        let Some(run) = self.hosts[at].runs.get_mut(&no) else { return Ok(()) };
        run.batch = Some(BatchInWork { last, until, hung });
        run.meter.begin(local);
        let (epoch, after) = (run.epoch(), run.done);
        let stream = &self.stream;
        let unread = stream.shards[no].parents.iter().find_map(|parent| {
            let (count, done) = (stream.count(*parent, self.now), self.oracle.done(*parent));
            (done < count).then(|| (stream.shards[*parent].listed.id.clone(), done, count))
        });
        let fact = Fact::Dispatched(Dispatch {
            worker: &self.hosts[at].worker,
            shard: no,
            name: &stream.shards[no].listed.id,
            epoch,
            after,
            unread_parent: unread,
            overlaps,
        });
        self.oracle.learn(self.now, &fact)?;
        self.wake_run(at, no, until);
        Ok(())
    }

    /// Another worker that has records of the shard in its processor.
    fn processing_elsewhere(&self, me: usize, no: ShardNo) -> Option<WorkerId> {
        let now = self.now;
        let others = self.hosts.iter().enumerate().filter(|(at, host)| *at != me && host.is_up());
        let mut busy = others.filter(|(_, host)| {
            let batch = host.runs.get(&no).and_then(|run| run.batch);
            batch.is_some_and(|batch| now < batch.until) && host.is_valid(now)
        });
        busy.next().map(|(_, host)| host.worker.clone())
    }

    pub(super) fn reaches_stream(&self, at: usize) -> bool {
        let host = &self.hosts[at];
        self.now >= self.active_faults.stream_out_until && self.now >= host.stream_cut_until
    }
}
