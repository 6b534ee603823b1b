//! The observer that writes the log. Each event has a name of its own, which is the message of its
//! log line; `docs/EVENTS.md` lists all names.
//!
//! Failures of the store are rate-limited ([`RateLimitedWarnings`]), because each call may fail in
//! the same way.

use std::sync::Arc;

use tracing::{debug, error, info, warn};

use super::{
    event::WorkerEvent,
    observer::{Observer, StoreCallEnd, StoreCallEnded, Subject},
    warnings::RateLimitedWarnings,
};
use crate::{
    env::Clock,
    lease::{Document, WorkerId},
};

/// The command that changes the frozen start, for the warning about another setting.
const TO_START_ANEW: &str = "kcl leases reset --to …, with every worker stopped";

/// The most unassigned leases that one log line names.
const NAMED: usize = 10;

/// Writes each event of a worker into the log.
#[derive(Debug)]
pub(super) struct Log {
    warnings: RateLimitedWarnings,
    clock: Arc<dyn Clock>,
}

impl Log {
    pub(super) fn new(clock: Arc<dyn Clock>) -> Self {
        Self { warnings: RateLimitedWarnings::default(), clock }
    }
}

impl Observer for Log {
    fn event(&self, _: &Subject, event: &WorkerEvent) {
        use WorkerEvent as E;
        match event {
            E::StoreUnprepared { error, source } => {
                let what = format!("prepare: {error}: {source}");
                if self.warnings.due(what, self.clock.now()).is_some() {
                    warn!(error, source, "kcl.store.unprepared");
                }
            }
            E::StoreRemade { store } => info!(store, "kcl.store.remade"),
            E::StoreWentBack => error!("kcl.store.went_back"),
            E::WakeupsBroken { error } => debug!(error, "kcl.wakeups.broken"),
            event if event.lease().is_some() => log_lease(event),
            event => log_fleet(event),
        }
    }

    fn store_call(&self, _: &Subject, call: &StoreCallEnded<'_>) {
        let op = call.op;
        match call.end {
            // The caller of `prepare` reports its failure as an event.
            StoreCallEnd::Failed(_) if op == "prepare" => {}
            StoreCallEnd::Failed(error) => self.warnings.log(op, error, &*self.clock),
            StoreCallEnd::TimedOut(deadline) => warn!(op, ?deadline, "kcl.store.timeout"),
            _ => {}
        }
    }
}

/// Logs events of the session, the planner and the rules.
fn log_fleet(event: &WorkerEvent) {
    use WorkerEvent as E;
    match event {
        E::Registered { session } => info!(%session, "kcl.session.registered"),
        E::Fenced { session, reason } => error!(%session, ?reason, "kcl.session.fenced"),
        E::EndedDead { session } => warn!(%session, "kcl.session.ended_dead"),
        E::DuplicateWorkerId { session } => error!(%session, "kcl.session.duplicate"),
        E::Lapsed => warn!("kcl.session.lapsed"),
        E::Revived { leases } => info!(leases, "kcl.session.revived"),
        E::Closed { by } => warn!(by, "kcl.application.closed"),
        E::Reopened => info!("kcl.application.reopened"),
        E::Leaving => info!("kcl.session.leaving"),
        E::Finished { outcome } => info!(outcome, "kcl.worker.finished"),
        E::PlanningStarted { term } => info!(%term, "kcl.planner.started"),
        E::PlanningStopped { term } => info!(%term, "kcl.planner.stopped"),
        E::Planned { moves, unassigned, .. } => info!(moves, unassigned, "kcl.plan.published"),
        E::Unassignable { leases } => {
            let reason = leases.first().map_or("", |(_, reason)| reason);
            let some: Vec<&str> = leases.iter().take(NAMED).map(|(key, _)| key.as_str()).collect();
            let which = some.join(", ");
            warn!(leases = leases.len(), which, reason, "kcl.lease.unassignable");
        }
        E::RulesRefused { problem } => error!(problem, "kcl.rules.refused"),
        E::RulesDeclared { from, rules } => info!(from, rules, "kcl.rules.declared"),
        E::RulesPassedOver { from, why } => warn!(from, why, "kcl.rules.passed_over"),
        E::WorkerNotNamed { absent, unnamed } => {
            let list = |ids: &[WorkerId]| {
                ids.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
            };
            let (absent, unnamed) = (list(absent), list(unnamed));
            warn!(absent, unnamed, "kcl.rules.worker_not_named");
        }
        E::InheritanceFull { problem } => error!(problem, "kcl.rules.inheritance_full"),
        E::DocumentUnreadable { document, problem } => {
            error!(%document, problem, "kcl.document.unreadable");
        }
        E::DocumentFull { document, leases } => {
            warn!(%document, leases, limit = Document::MAX_BODY, "kcl.document.full");
        }
        E::HashRangeHole { range } => error!(what = range, "kcl.lineage.hole"),
        E::LineageUnclear { problem } => warn!(what = problem, "kcl.lineage.unclear"),
        other => log_stream(other),
    }
}

/// Logs events of the stream and of the whole fleet.
fn log_stream(event: &WorkerEvent) {
    use WorkerEvent as E;
    match event {
        E::StreamTrouble { kind } => warn!(%kind, "kcl.stream.trouble"),
        E::StreamUnknown { error, source } => warn!(error, source, "kcl.stream.unknown"),
        E::ShardsUnknown { error, source } => warn!(error, source, "kcl.shards.unknown"),
        E::StreamRemade => warn!("kcl.stream.remade"),
        E::WorkersWanted { workers } => debug!(workers, "kcl.fleet.workers_wanted"),
        E::UnreadAge { oldest, retention } => {
            debug!(?oldest, ?retention, "kcl.fleet.unread_age");
        }
        E::StreamDiffers { reads, wanted } => {
            let reads = reads.as_ref().map(tracing::field::display);
            warn!(reads, %wanted, "kcl.stream.differs");
        }
        E::StartDiffers { stream, by, wanted, .. } => {
            let in_force = by.map(|by| by.to_string()).unwrap_or_default();
            warn!(%stream, in_force, %wanted, remedy = TO_START_ANEW, "kcl.start.differs");
        }
        other => info!(?other, "kcl.coordination"),
    }
}

/// Logs events of a lease.
fn log_lease(event: &WorkerEvent) {
    use WorkerEvent as E;
    match event {
        E::LeaseGained { key, epoch } => info!(lease = %key, %epoch, "kcl.lease.gained"),
        E::LeaseReleasing { key, epoch } => debug!(lease = %key, %epoch, "kcl.lease.releasing"),
        E::LeaseLost { key, epoch, reason } => {
            info!(lease = %key, %epoch, reason = reason.as_str(), "kcl.lease.lost");
        }
        E::LeaseStalled { key, epoch } => warn!(lease = %key, %epoch, "kcl.lease.stalled"),
        E::LeaseConflict { key, session } => {
            warn!(lease = %key, %session, "kcl.lease.conflict");
        }
        E::LeaseForced { key, from, overlap } => {
            warn!(lease = %key, %from, overlap, "kcl.lease.forced");
        }
        E::NotOfMyStream { key } => warn!(lease = %key, "kcl.lease.not_of_my_stream"),
        E::UnreadOld { key, oldest, retention } => {
            error!(lease = %key, ?oldest, ?retention, "kcl.lease.unread_old");
        }
        E::ShardEnded { key, epoch } => info!(lease = %key, %epoch, "kcl.shard.ended"),
        E::CheckpointStored { key, epoch, checkpoint } => {
            debug!(lease = %key, %epoch, %checkpoint, "kcl.checkpoint.stored");
        }
        other => log_reading(other),
    }
}

/// Logs events of reading a shard.
fn log_reading(event: &WorkerEvent) {
    use WorkerEvent as E;
    match event {
        E::ReadingStarted { key, epoch } => debug!(lease = %key, %epoch, "kcl.read.first"),
        E::ReadingEnded { key, epoch } => debug!(lease = %key, %epoch, "kcl.read.ended"),
        E::EndUnproven { key, after } => warn!(lease = %key, ?after, "kcl.read.end_unproven"),
        E::ReadFailed { key, error, source, .. } => {
            warn!(lease = %key, error, source, "kcl.read.failed");
        }
        E::ReadStandstill { key, calls, why } => {
            warn!(lease = %key, calls, why, "kcl.read.standstill");
        }
        E::RecordsLost { key, from, to } => error!(lease = %key, ?from, ?to, "kcl.records.lost"),
        E::RunRewound { key, to } => warn!(lease = %key, ?to, "kcl.run.rewound"),
        E::RunBroken { key, why } => error!(lease = %key, why, "kcl.run.broken"),
        E::ShardStopped { key, reason } => error!(lease = %key, reason, "kcl.shard.stopped"),
        E::ChildrenUnknown { key, error } => warn!(lease = %key, error, "kcl.children.unknown"),
        other => log_processing(other),
    }
}

/// Logs events of the processor.
fn log_processing(event: &WorkerEvent) {
    use WorkerEvent as E;
    match event {
        E::BatchFailed { key, attempt, records, error } => {
            warn!(lease = %key, attempt, records, error, "kcl.batch.failed");
        }
        E::RecordSkipped { key, at, error } => {
            error!(lease = %key, %at, error, "kcl.record.skipped");
        }
        E::DeadLetterFailed { key, error } => {
            error!(lease = %key, failure = error, "kcl.dead_letter.failed");
        }
        E::ProcessorStartFailed { key, error } => {
            warn!(lease = %key, error, "kcl.processor.start_failed");
        }
        E::ProcessorEndFailed { key, error } => {
            warn!(lease = %key, error, "kcl.processor.end_failed");
        }
        E::ProcessorStopFailed { key, error } => {
            warn!(lease = %key, error, "kcl.processor.stop_failed");
        }
        E::ProcessorPanicked { key, message } => {
            error!(lease = %key, message, "kcl.processor.panicked");
        }
        E::ProcessorStalled { key, since } => {
            warn!(lease = %key, ?since, "kcl.processor.stalled");
        }
        other => info!(?other, "kcl.coordination"),
    }
}
