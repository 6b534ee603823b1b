//! Calls to the store: on their way, there, and back.

use std::time::Duration;

use kcl_core::{
    coordinator::{CallId, StoreCall, StoreOutcome, StoreReply},
    env::Time,
    lease::{Changing, LeaseKey, SessionState, Write},
    store::StoreErrorKind,
};

use super::{World, facts, host::Host, sim_events::SimEvent, telling};
use crate::sim::{Violation, fact::Fact};

impl World {
    pub(super) fn send(&mut self, at: usize, id: CallId, call: Box<StoreCall>) {
        self.report.count_call(call.name());
        if let Some(host) = self.hosts.get_mut(at) {
            *host.calls.entry(call.name()).or_default() += 1;
        }
        if !self.interceptors.is_empty() && self.is_intercepted(at, id, &call) {
            return;
        }
        let now = self.now;
        let network = self.active_faults.network(&self.script.network, now);
        let refusals = self.active_faults.refusals(&call, now);
        let Some(host) = self.hosts.get_mut(at) else { return };
        // What is told has fates of its own, so that it changes nobody else's.
        let rng = if telling::is_told(&call) { &mut host.telling } else { &mut host.rng };
        let mut refused = |chance: u64| chance > 0 && rng.below(1_000) < chance;
        if let Some((_, why)) = refusals.into_iter().find(|(chance, _)| refused(*chance)) {
            let throttled = why == StoreErrorKind::Throttled;
            self.count_fault(if throttled { "throttled" } else { "refused" });
            return self.reply(now + network.least * 2, at, id, Err(why));
        }
        let mut trip = network.trip(rng);
        if now < host.requests_cut_until {
            trip.applied = None;
            self.count_fault("request-cut");
        }
        self.count_trip(&trip);
        let applied = trip.applied.map(|takes| takes + self.active_faults.delay(now));
        let answered = match (applied, trip.reply) {
            (Some(there), Some(back)) if there + back <= network.deadline => Some(back),
            _ => None,
        };
        if answered.is_none() {
            self.give_up(at, id);
        }
        if let Some(later) = trip.again {
            self.put(now + later, SimEvent::Again(call.clone()));
        }
        if let Some(there) = applied {
            let stale = trip.stale;
            let arrive = SimEvent::Arrive { host: at, id, call, reply: answered, stale };
            self.put(now + there, arrive);
        }
    }

    pub(super) fn reply(&mut self, at: Time, host: usize, id: CallId, outcome: StoreOutcome) {
        self.put(at, SimEvent::Reply { host, id, outcome: Box::new(outcome) });
    }

    /// The caller hears nothing, and gives up in the end.
    pub(super) fn give_up(&mut self, host: usize, id: CallId) {
        let at = self.now + self.script.network.deadline;
        self.reply(at, host, id, Err(StoreErrorKind::Unknown));
    }

    fn count_trip(&mut self, trip: &crate::sim::network::Trip) {
        let happened = [
            (trip.applied.is_none(), "request-lost"),
            (trip.reply.is_none(), "reply-lost"),
            (trip.late, "request-late"),
            (trip.again.is_some(), "request-repeated"),
            (trip.stale, "read-stale"),
        ];
        for (_, kind) in happened.into_iter().filter(|(happened, _)| *happened) {
            self.count_fault(kind);
        }
    }

    pub(super) fn is_reply_cut(&mut self, at: usize) -> bool {
        let now = self.now;
        let cut = now < self.active_faults.replies_cut_until
            || self.hosts.get(at).is_some_and(|host| now < host.replies_cut_until);
        if cut {
            self.count_fault("reply-cut");
        }
        cut
    }

    /// A call reaches the store.
    pub(super) fn arrive(
        &mut self,
        host: usize,
        id: CallId,
        call: &StoreCall,
        reply: Option<Duration>,
        stale: bool,
    ) -> Result<(), Violation> {
        if self.now < self.active_faults.outage_until {
            self.count_fault("call-in-outage");
            if reply.is_some() {
                self.give_up(host, id);
            }
            return Ok(());
        }
        let answer = self.apply(call, stale)?;
        if let Some(takes) = reply {
            self.reply(self.now + takes, host, id, Ok(answer));
        }
        Ok(())
    }

    pub(super) fn apply(&mut self, call: &StoreCall, stale: bool) -> Result<StoreReply, Violation> {
        let Some(key) = lease_key(call) else {
            let was_closed = self.oracle.is_closed();
            let session = facts::session_id(call);
            let before = session.and_then(|id| self.store.rows.sessions.get(id).cloned());
            let answer = self.store.apply(call, self.now, stale);
            let after = session.and_then(|id| self.store.rows.sessions.get(id));
            if before.as_ref() != after {
                let lives =
                    |host: &Host| host.is_up() && Some(host.coordinator.session()) == session;
                let up = before.is_some() || self.hosts.iter().any(lives);
                let fact = Fact::Session { call, before: before.as_ref(), after, up };
                self.oracle.learn(self.now, &fact)?;
            }
            match (call, &answer) {
                (StoreCall::PutDoc(_), StoreReply::DocWrite(Write::Done(doc))) => {
                    self.digest.bytes(&doc.body);
                    self.note_start(doc)?;
                    self.note_streams(doc)?;
                    self.oracle.learn(self.now, &Fact::Document(doc))?;
                    if was_closed && !self.oracle.is_closed() {
                        let changing = Changing::decode(&doc.body);
                        changing.map_or(Ok(()), |changing| self.on_opened(&changing))?;
                    }
                }
                (StoreCall::DeleteDoc(delete), StoreReply::DocWrite(Write::Done(_))) => {
                    self.oracle.learn(self.now, &Fact::DocumentGone(&delete.name))?;
                }
                (StoreCall::Wake(session), _) if self.script.pushes => self.push(session),
                _ => {}
            }
            return Ok(answer);
        };
        let before = self.store.rows.leases.get(key).cloned();
        let answer = self.store.apply(call, self.now, stale);
        let after = self.store.rows.leases.get(key);
        if before.as_ref() == after {
            return Ok(answer);
        }
        self.digest.row(call, after);
        let shard = self.stream.number(key);
        let after = after.cloned();
        self.note(|| format!("{} {key}: {}", call.name(), show(after.as_ref())));
        if let Some(no) = shard {
            self.stream.shards[no].leased = true;
            self.past.began.insert(self.stream.shards[no].of);
            if let Some(timeline) = &mut self.timeline {
                timeline.row(no, after.as_ref(), self.now);
            }
        }
        let (before, after) = (before.as_ref(), after.as_ref());
        let uncovered = self.uncovered(shard, after);
        let allowed = self.allowed_owner(shard, after);
        let stays = self.writer_stays(call);
        let barred = self.barred(key, before, after);
        let (newcomer, frozen) = (self.is_newcomer(call), self.is_frozen_for(call));
        let fact = Fact::Lease {
            call,
            before,
            after,
            shard,
            stays,
            uncovered,
            allowed,
            barred,
            newcomer,
            frozen,
        };
        self.oracle.learn(self.now, &fact)?;
        self.learn_of_lease(call, shard, before, after)?;
        Ok(answer)
    }

    /// Whether the session that releases a lease neither leaves nor has ended. It may be leaving
    /// before the store knows.
    fn writer_stays(&self, call: &StoreCall) -> bool {
        let StoreCall::Release(release) = call else { return true };
        let row = self.store.rows.sessions.get(&release.owner);
        let host = self.hosts.iter().find(|host| *host.coordinator.session() == release.owner);
        host.is_some_and(Host::is_member) && row.is_some_and(|row| row.state == SessionState::Live)
    }

    /// Whether the fleet is known to be frozen, and the lease is not handed over by a worker that
    /// is drained.
    fn is_frozen_for(&self, call: &StoreCall) -> bool {
        let StoreCall::Release(release) = call else { return false };
        self.is_known_frozen() && !self.is_drained(&release.owner.worker)
    }

    /// Whether a lease is taken by a process that came after the store's clock went back, and so
    /// cannot know how far that had gone.
    fn is_newcomer(&self, call: &StoreCall) -> bool {
        let (StoreCall::Acquire(acquire), Some(back)) = (call, self.past.clock_back) else {
            return false;
        };
        let host = self.hosts.iter().find(|host| *host.coordinator.session() == acquire.owner);
        host.is_some_and(|host| host.since >= back)
    }

    fn push(&mut self, session: &kcl_core::lease::SessionId) {
        let now = self.now;
        let sleeper = self
            .hosts
            .iter()
            .position(|host| host.is_up() && host.coordinator.session() == session);
        if let Some(at) = sleeper {
            let network = self.active_faults.network(&self.script.network, now);
            let host = &mut self.hosts[at];
            let takes = network.least + host.rng.span(network.spread);
            let lost = now < host.replies_cut_until || host.rng.below(1_000) < network.lost_reply;
            if !lost {
                self.put(now + takes, SimEvent::Woken { host: at });
            }
        }
    }
}

fn lease_key(call: &StoreCall) -> Option<&LeaseKey> {
    match call {
        StoreCall::Create(row) => Some(&row.key),
        StoreCall::Acquire(acquire) => Some(&acquire.key),
        StoreCall::Advance(advance) => Some(&advance.key),
        StoreCall::Release(release) => Some(&release.key),
        StoreCall::Restart(restart) => Some(&restart.key),
        StoreCall::Delete(delete) => Some(&delete.key),
        _ => None,
    }
}

fn show(row: Option<&kcl_core::lease::Lease>) -> String {
    let Some(row) = row else { return "gone".into() };
    let owner = row.owner.as_ref().map_or_else(|| "-".into(), ToString::to_string);
    format!("{owner} epoch {} at {}", row.epoch.0 % 10_000_000, row.checkpoint)
}
