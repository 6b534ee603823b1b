//! The observer that gathers the facts of the worker's report.
//!
//! | part | its question |
//! |---|---|
//! | `shard` | how do reading and processing of one shard go? |
//! | `calls` | which calls were denied or throttled? |
//! | `recent` | what is a sum over the last minutes? |
//!
//! The coordinator decides when a report is written: every minute, and soon after
//! [`Event::News`], which this observer sends when a kind of fact changes.

mod calls;
mod recent;
mod shard;

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::sync::mpsc;

use self::{calls::Calls, shard::ShardFacts};
use super::{
    event::WorkerEvent,
    loads::LoadBoard,
    observer::{BatchEnd, BatchEnded, Observer, SourceCallEnd, SourceCallEnded, StoreCallEnd},
    observer::{StoreCallEnded, Subject},
    stuck::StuckBoard,
};
use crate::{
    coordinator::Event,
    env::{Clock, Time},
    lease::{
        LeaseKey,
        report::{Stuck, TroubleKind, WorkerReport},
    },
    settings::Settings,
    store::StoreErrorKind,
    stream::SourceErrorKind,
};

/// The facts of the worker's report. A clone refers to the same facts.
#[derive(Clone, Debug)]
pub(crate) struct ReportBoard {
    facts: Arc<Mutex<Facts>>,
    /// The fields that never change: release, zone, settings.
    always: Arc<WorkerReport>,
    loads: LoadBoard,
    stuck: StuckBoard,
    clock: Arc<dyn Clock>,
    started: Time,
    /// Takes [`Event::News`].
    keeper: mpsc::UnboundedSender<Event>,
}

#[derive(Debug)]
struct Facts {
    shards: BTreeMap<LeaseKey, ShardFacts>,
    calls: Calls,
}

impl ReportBoard {
    /// Makes the board of a worker with these settings, which starts now.
    pub(crate) fn new(
        settings: &Settings,
        loads: LoadBoard,
        clock: Arc<dyn Clock>,
        keeper: mpsc::UnboundedSender<Event>,
    ) -> Self {
        let always = WorkerReport {
            version: Some(env!("CARGO_PKG_VERSION").to_owned()),
            zone: settings.coordination.zone.clone(),
            settings: settings.reported(),
            ..WorkerReport::default()
        };
        let started = clock.now();
        let facts = Facts { shards: BTreeMap::new(), calls: Calls::new(started) };
        let (facts, always) = (Arc::new(Mutex::new(facts)), Arc::new(always));
        let stuck = StuckBoard::default();
        Self { facts, always, loads, stuck, clock, started, keeper }
    }

    /// Adds the failing batches to the report, and whether a dead-letter sink keeps skipped
    /// records.
    pub(crate) fn with_stuck(mut self, stuck: StuckBoard, keeps_skipped: bool) -> Self {
        let keeps_skipped = Some(keeps_skipped);
        self.always = Arc::new(WorkerReport { keeps_skipped, ..WorkerReport::clone(&self.always) });
        Self { stuck, ..self }
    }

    /// Makes the report at this moment. The coordinator adds the fields that only it knows.
    pub(crate) fn report(&self) -> WorkerReport {
        let now = self.clock.now();
        let mut report = WorkerReport {
            clock: Some(self.clock.wall()),
            up: Some(now.since(self.started)),
            shards: self.loads.report().shards,
            ..WorkerReport::clone(&self.always)
        };
        let mut facts = self.facts();
        for (key, shard) in &mut report.shards {
            if let Some(facts) = facts.shards.get_mut(key) {
                facts.tell(shard, now);
            }
            shard.stuck = self.stuck.of(key).map(|(first, last)| Stuck::new(first, last));
        }
        facts.calls.tell(&mut report, now);
        report
    }

    fn facts(&self) -> MutexGuard<'_, Facts> {
        self.facts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes the facts. If `change` returns true, a kind of fact has changed, and the coordinator
    /// gets [`Event::News`].
    fn note(&self, change: impl FnOnce(&mut Facts, Time) -> bool) {
        let is_news = change(&mut self.facts(), self.clock.now());
        if is_news {
            // A worker that has ended reports nothing any more.
            let _ = self.keeper.send(Event::News);
        }
    }

    fn note_shard(&self, about: &Subject, change: impl FnOnce(&mut ShardFacts, Time) -> bool) {
        let Some(key) = &about.lease else { return };
        self.note(|facts, now| facts.shards.get_mut(key).is_some_and(|shard| change(shard, now)));
    }
}

impl Observer for ReportBoard {
    fn event(&self, about: &Subject, event: &WorkerEvent) {
        match event {
            WorkerEvent::LeaseGained { key, .. } => self.note(|facts, now| {
                facts.shards.insert(key.clone(), ShardFacts::new(now));
                false
            }),
            WorkerEvent::LeaseLost { key, .. } | WorkerEvent::ShardEnded { key, .. } => {
                self.note(|facts, _| {
                    facts.shards.remove(key);
                    false
                });
            }
            WorkerEvent::RecordSkipped { at, .. } => {
                self.note_shard(about, |shard, _| shard.skip(at));
            }
            other => {
                if let Some(kind) = trouble(other) {
                    self.note_shard(about, |shard, now| shard.fail(kind, now));
                }
            }
        }
    }

    fn store_call(&self, _: &Subject, call: &StoreCallEnded<'_>) {
        let StoreCallEnd::Failed(error) = call.end else { return };
        match error.kind {
            StoreErrorKind::Denied => {
                self.note(|facts, now| facts.calls.deny("store", call.op, "denied", now));
            }
            StoreErrorKind::Throttled => {
                self.note(|facts, now| facts.calls.throttle("store", call.op, now));
            }
            _ => {}
        }
    }

    fn source_call(&self, about: &Subject, call: &SourceCallEnded<'_>) {
        let error = match call.end {
            SourceCallEnd::Done if call.op == "next" => {
                return self.note_shard(about, |shard, now| shard.read(call.bytes, now));
            }
            SourceCallEnd::Failed(error) => error,
            _ => return,
        };
        let kind = match error.kind {
            SourceErrorKind::Denied => "denied",
            SourceErrorKind::Encryption => "encryption",
            SourceErrorKind::Throttled => {
                if call.op == "next" {
                    self.note_shard(about, ShardFacts::throttle);
                }
                return self.note(|facts, now| facts.calls.throttle("stream", call.op, now));
            }
            _ => return,
        };
        self.note(|facts, now| facts.calls.deny("stream", call.op, kind, now));
    }

    fn batch(&self, about: &Subject, batch: &BatchEnded<'_>) {
        if batch.end == BatchEnd::Done {
            self.note_shard(about, |shard, now| shard.process(batch.records(), now));
        }
    }
}

/// The kind of fault that an event reports; `None` if it reports none.
fn trouble(event: &WorkerEvent) -> Option<TroubleKind> {
    use TroubleKind as T;
    use WorkerEvent as E;
    Some(match event {
        E::ReadFailed { kind, .. } => match kind {
            SourceErrorKind::Unavailable => T::Unavailable,
            SourceErrorKind::Throttled => T::Throttled,
            SourceErrorKind::Denied => T::Denied,
            SourceErrorKind::Encryption => T::Encryption,
            SourceErrorKind::NoStream => T::NoStream,
            SourceErrorKind::NoShard => T::NoShard,
            SourceErrorKind::OtherStream => T::OtherStream,
            SourceErrorKind::Misconfigured => T::Misconfigured,
            SourceErrorKind::Corrupt => T::Corrupt,
        },
        E::ReadStandstill { .. } => T::Standstill,
        E::BatchFailed { .. } => T::BatchFailed,
        E::ProcessorPanicked { .. } => T::Panicked,
        E::ProcessorStalled { .. } => T::Stalled,
        E::ProcessorStartFailed { .. } => T::StartFailed,
        E::ProcessorEndFailed { .. } => T::EndFailed,
        E::DeadLetterFailed { .. } => T::DeadLetterFailed,
        E::RunBroken { .. } => T::Broken,
        E::ShardStopped { .. } => T::Stopped,
        E::ChildrenUnknown { .. } => T::ChildrenUnknown,
        _ => return None,
    })
}

#[cfg(test)]
mod tests;
