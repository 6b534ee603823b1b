//! What actions do to the world.

use std::time::Duration;

use kcl_core::{
    env::Time,
    lease::{DocName, WorkerId},
};

use super::{
    World,
    active_faults::FaultWindow,
    host::{Host, Slowness, Stillness},
    past::Trap,
};
use crate::sim::{Action, Happened, Violation, fact::Fact, invariant::Excuse};

impl World {
    pub(super) fn act(&mut self, action: &Action) -> Result<(), Violation> {
        self.note(|| format!("--- {action}"));
        if action.may_overlap() {
            self.oracle.excuse(Excuse::Overlap);
        }
        let whom = self.timeline.is_some().then(|| self.whom(action)).flatten();
        let performed = self.perform(action);
        if let Some(timeline) = self.timeline.as_mut().filter(|_| performed != Ok(false)) {
            let (at, lasts, what) = (self.now, action.lasts(), action.to_string());
            timeline.faults.push(Happened { at, lasts, what, whom });
        }
        if performed? {
            self.count_fault(action.kind());
            self.past.note(action, self.now);
        }
        Ok(())
    }

    /// The one worker that an action hits.
    fn whom(&self, action: &Action) -> Option<WorkerId> {
        let host = match action {
            Action::CrashPlanner | Action::LeavePlanner | Action::PausePlanner(_) => {
                self.planner_host()
            }
            Action::JoinAs(who)
            | Action::Crash(who)
            | Action::Leave(who)
            | Action::Pause(who, _)
            | Action::Suspend(who, _)
            | Action::SuspendUncounted(who, _)
            | Action::CutRequests(who, _)
            | Action::CutReplies(who, _)
            | Action::Isolate(who, _)
            | Action::CutStream(who, _)
            | Action::FailingProcessor(who, _)
            | Action::SlowProcessor(who, ..)
            | Action::HungProcessor(who, ..)
            | Action::Drain(who)
            | Action::Send(_, who, _) => self.pick(*who),
            _ => None,
        };
        host.map(|at| self.hosts[at].worker.clone())
    }

    /// Does it; false if there is nothing to do it to.
    fn perform(&mut self, action: &Action) -> Result<bool, Violation> {
        Ok(match action {
            Action::Join => self.start_new_host(false, self.stream.current),
            Action::JoinChanged => self.start_new_host(true, self.stream.current),
            Action::JoinOther => {
                let other = self.other_stream(self.stream.current);
                self.start_new_host(false, other)
            }
            Action::RestartOther(down) => self.cold_start(*down, true),
            Action::JoinAs(which) => self.join_as(*which),
            Action::ColdStart(down) => self.cold_start(*down, false),
            Action::Reset(back, calls, how) => self.reset(*back, *calls, *how),
            Action::Deploy(apart) => self.deploy(*apart),
            Action::Crash(which) => self.on_host(*which, Self::crash),
            Action::CrashPlanner => self.crash_together(1, 0),
            Action::CrashPlannerAndStandby => self.crash_together(2, 0),
            Action::CrashTogether(heads, others) => self.crash_together(*heads, *others),
            Action::CrashZone(which) => self.crash_zone(*which),
            Action::CrashPlannerMidPlan(documents) => self.set_trap(*documents, false),
            Action::CrashBothMidPlan(documents) => self.set_trap(*documents, true),
            Action::Leave(which) => return self.leave_if_any(self.pick(*which)),
            Action::LeavePlanner => return self.leave_if_any(self.planner_host()),
            Action::Pause(who, span) => self.still(self.pick(*who), *span, Stillness::Stopped),
            Action::PausePlanner(span) => {
                self.still(self.planner_host(), *span, Stillness::Stopped)
            }
            Action::Suspend(who, span) => self.still(self.pick(*who), *span, Stillness::Suspended),
            Action::SuspendUncounted(who, span) => {
                let at = self.pick(*who);
                if let Some(host) = at.and_then(|at| self.hosts.get(at)) {
                    let session = host.coordinator.session();
                    self.oracle.learn(self.now, &Fact::ClockStood { session })?;
                }
                self.still(at, *span, Stillness::Uncounted)
            }
            Action::Trim
            | Action::Expire(_)
            | Action::RemakeStream
            | Action::Split(_)
            | Action::Merge(_)
            | Action::SplitStorm(_)
            | Action::MergeStorm(_)
            | Action::Rescale(_)
            | Action::SplitAndMerge(_) => return self.change_stream(action),
            Action::RollBack(lost) => return self.roll_back(self.now - *lost),
            Action::LoseFence(lost) => {
                let fence = self.store.last_fence().filter(|at| *at + *lost >= self.now);
                return fence.map_or(Ok(false), |at| self.roll_back(at));
            }
            Action::StoreClockAhead(by) => self.move_store_clock(*by, 1),
            Action::StoreClockBack(by) => {
                self.oracle.excuse(Excuse::OldClock);
                self.move_store_clock(*by, -1)
            }
            Action::Require(which, who) => return self.add_rule(*which, *who, true),
            Action::Prefer(which, who) => return self.add_rule(*which, *who, false),
            Action::ClearRules => return self.clear_rules(),
            Action::GarbleRules => self.garble_rules(),
            Action::Freeze => return self.freeze(true),
            Action::Thaw => return self.freeze(false),
            Action::Drain(_)
            | Action::Undrain
            | Action::PauseLease(_)
            | Action::ResumeLeases
            | Action::LetGo(_)
            | Action::Send(..) => return self.mark(action),
            _ => self.trouble_one(action) || self.trouble_all(action),
        })
    }

    /// What troubles one worker for a while.
    fn trouble_one(&mut self, action: &Action) -> bool {
        let now = self.now;
        let change = |host: &mut Host| match action {
            Action::CutRequests(_, span) => extend(&mut host.requests_cut_until, now + *span),
            Action::CutReplies(_, span) => extend(&mut host.replies_cut_until, now + *span),
            Action::Isolate(_, span) => {
                extend(&mut host.requests_cut_until, now + *span);
                extend(&mut host.replies_cut_until, now + *span);
            }
            Action::CutStream(_, span) => extend(&mut host.stream_cut_until, now + *span),
            Action::FailingProcessor(_, span) => extend(&mut host.failing_until, now + *span),
            Action::SlowProcessor(_, takes, span) => {
                host.slow = Slowness { until: now + *span, extra: *takes, hung: false };
            }
            Action::HungProcessor(_, takes, span) => {
                host.slow = Slowness { until: now + *span, extra: *takes, hung: true };
            }
            _ => {}
        };
        match action {
            Action::CutRequests(who, _)
            | Action::CutReplies(who, _)
            | Action::Isolate(who, _)
            | Action::CutStream(who, _)
            | Action::FailingProcessor(who, _)
            | Action::SlowProcessor(who, ..)
            | Action::HungProcessor(who, ..) => {
                self.on_host(*who, |world, at| change(&mut world.hosts[at]))
            }
            _ => false,
        }
    }

    /// What troubles everybody for a while.
    fn trouble_all(&mut self, action: &Action) -> bool {
        let now = self.now;
        let active_faults = &mut self.active_faults;
        let window = |span: Duration, chance| FaultWindow { until: now + span, chance };
        match action {
            Action::Outage(span) => extend(&mut active_faults.outage_until, now + *span),
            Action::CutAllReplies(span) => {
                extend(&mut active_faults.replies_cut_until, now + *span);
            }
            Action::StreamOutage(span) => extend(&mut active_faults.stream_out_until, now + *span),
            Action::Slow(span, extra) => active_faults.slow = (now + *span, *extra),
            Action::ThrottleWrites(span, chance) => active_faults.throttle = window(*span, *chance),
            Action::RefuseCalls(span, chance) => active_faults.refused = window(*span, *chance),
            Action::LoseReplies(span, chance) => active_faults.lost_reply = window(*span, *chance),
            Action::LateRequests(span, chance) => active_faults.late = window(*span, *chance),
            Action::RepeatRequests(span, chance) => active_faults.repeated = window(*span, *chance),
            _ => return false,
        }
        true
    }

    fn on_host(&mut self, which: usize, change: impl FnOnce(&mut Self, usize)) -> bool {
        let picked = self.pick(which);
        if let Some(at) = picked {
            change(self, at);
        }
        picked.is_some()
    }

    fn still(&mut self, at: Option<usize>, span: Duration, how: Stillness) -> bool {
        if let Some(at) = at {
            self.stand_still(at, span, how);
        }
        at.is_some()
    }

    fn leave_if_any(&mut self, at: Option<usize>) -> Result<bool, Violation> {
        at.map_or(Ok(false), |at| self.leave(at).map(|()| true))
    }

    fn set_trap(&mut self, documents: usize, both: bool) -> bool {
        self.past.trap = Some(Trap { documents, both });
        true
    }

    fn roll_back(&mut self, to: Time) -> Result<bool, Violation> {
        let docs = self.store.rows.docs.clone();
        let changing = docs.get(&DocName::changing());
        let sessions: Vec<_> = self.store.rows.sessions.keys().cloned().collect();
        self.store.roll_back(to);
        self.follow_streams();
        self.oracle.excuse(Excuse::Streams);
        for session in sessions.iter().filter(|id| !self.store.rows.sessions.contains_key(*id)) {
            self.oracle.learn(self.now, &Fact::SessionLost { session })?;
        }
        self.lose_rules(&docs);
        self.oracle.excuse(Excuse::Plans);
        for shard in &mut self.stream.shards {
            shard.leased = self.store.rows.leases.contains_key(&shard.key);
        }
        self.record_all_rows();
        self.learn(&Fact::RolledBack)?;
        self.commands_went_back(changing)?;
        Ok(true)
    }

    fn move_store_clock(&mut self, by: Duration, sign: i64) -> bool {
        self.store.clock_off += sign * i64::try_from(by.as_millis()).unwrap_or(0);
        true
    }

    fn change_stream(&mut self, action: &Action) -> Result<bool, Violation> {
        let now = self.now;
        let stream = &mut self.stream;
        let times = |count: usize| 0..count.max(1);
        let changed = match action {
            Action::Split(which) => stream.split(*which, now),
            Action::Merge(which) => stream.merge(*which, now),
            Action::Rescale(which) => stream.rescale(*which, now),
            Action::SplitAndMerge(which) => stream.split_and_merge(*which, now),
            // Every other one, so that neighbours of all kinds come of it.
            Action::SplitStorm(count) => {
                times(*count).filter(|n| stream.split(n * 3, now)).count() > 0
            }
            Action::MergeStorm(count) => {
                times(*count).filter(|n| stream.merge(*n, now)).count() > 0
            }
            Action::Trim => return Ok(self.trim()),
            Action::Expire(age) => return self.expire(*age),
            Action::RemakeStream => {
                let before = stream.shards.len();
                stream.remake(now);
                self.oracle.learn(now, &Fact::Remade { first: before })?;
                let of = self.stream.current;
                let all = 0..before;
                for no in all.filter(|no| self.stream.shards[*no].of == of).collect::<Vec<_>>() {
                    let to = self.stream.count(no, now);
                    self.learn(&Fact::Gone { shard: no, to })?;
                }
                true
            }
            _ => false,
        };
        Ok(changed)
    }

    /// The stream forgets the shards whose rows say that they have ended.
    fn trim(&mut self) -> bool {
        let mut forgotten = false;
        for row in self.store.rows.leases.values().filter(|row| row.has_ended()) {
            if let Some(no) = self.stream.number(&row.key) {
                let shard = &mut self.stream.shards[no];
                forgotten |= !std::mem::replace(&mut shard.forgotten, true);
            }
        }
        forgotten
    }

    fn expire(&mut self, age: Duration) -> Result<bool, Violation> {
        let gone = self.stream.expire(age, self.now);
        for (shard, to) in &gone {
            self.learn(&Fact::Gone { shard: *shard, to: *to })?;
        }
        Ok(!gone.is_empty())
    }
}

fn extend(until: &mut Time, to: Time) {
    *until = (*until).max(to);
}
