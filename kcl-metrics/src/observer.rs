//! The observer: which metric each event, call and batch changes.
//!
//! Counters of a shard end with its lease. What must not be forgotten when a lease moves is counted
//! by stream. `tests/events.rs` has a row for each event.

use std::{sync::Arc, time::Duration};

use kcl_core::{
    observe::{
        BatchEnd, BatchEnded, KeeperTurn, LossReason, Observer, SourceCallEnd, SourceCallEnded,
        StoreCallEnd, StoreCallEnded, Subject, WorkerEvent as E,
    },
    processor::RecordBatch,
    store::StoreErrorKind,
    stream::SourceErrorKind,
};

use crate::{facts::ShardFacts, metrics::Metrics, sheet::PLAIN, table::Id};

impl Observer for Metrics {
    fn event(&self, about: &Subject, event: &E) {
        self.on_session(about, event);
        self.on_lease(about, event);
        self.on_stream_of(about, event);
        if let Some(kind) = trouble(event) {
            self.worker(about).add(Id::Troubles, [kind, ""], 1);
        }
    }

    fn keeper_turn(&self, about: &Subject, turn: &KeeperTurn) {
        if !turn.late.is_zero() {
            self.worker(about).observe(Id::KeeperLateness, PLAIN, turn.late);
        }
        self.facts().turn = Some(*turn);
    }

    fn store_call(&self, about: &Subject, call: &StoreCallEnded<'_>) {
        let (sheet, outcome) = (self.worker(about), of_store(call.end));
        sheet.add(Id::StoreCalls, [call.op, outcome], 1);
        sheet.observe(Id::StoreCallDuration, [call.op, ""], call.took);
        if outcome == THROTTLED {
            sheet.add(Id::Throttles, ["store", ""], 1);
        }
        let Some(short) = in_short(call.end) else { return };
        match call.op {
            "advance" => sheet.add(Id::Checkpoints, [written(short), ""], 1),
            "beat" => {
                sheet.add(Id::Beats, [short, ""], 1);
                if short == ACKNOWLEDGED {
                    self.on_beat(call.took);
                }
            }
            _ => {}
        }
    }

    fn source_call(&self, about: &Subject, call: &SourceCallEnded<'_>) {
        let (sheet, outcome) = (self.worker(about), of_source(call.end));
        sheet.add(Id::StreamCalls, [call.op, outcome], 1);
        sheet.observe(Id::StreamCallDuration, [call.op, ""], call.took);
        if outcome == THROTTLED {
            sheet.add(Id::Throttles, ["stream", ""], 1);
        }
        let is_answer = call.op == "next" && matches!(call.end, SourceCallEnd::Done);
        let Some(stream) = about.stream.as_ref().filter(|_| is_answer) else { return };
        let now = self.now();
        let mut facts = self.facts();
        if let Some(shard) = facts.shard(about) {
            shard.read(call.millis_behind, call.is_empty_answer(), now);
        }
        let sheet = facts.stream(stream);
        drop(facts);
        sheet.add(Id::RecordsRead, PLAIN, call.records as u64);
        sheet.add(Id::BytesRead, PLAIN, call.bytes);
    }

    fn batch_begins(&self, about: &Subject, _: &RecordBatch) {
        let now = self.now();
        if let Some(shard) = self.facts().shard(about) {
            shard.begin(now);
        }
    }

    fn batch(&self, about: &Subject, batch: &BatchEnded<'_>) {
        let Some(stream) = &about.stream else { return };
        let (now, is_done) = (self.now(), batch.end == BatchEnd::Done);
        let mut facts = self.facts();
        let of_shard = facts.shard(about).map(|shard| {
            shard.end();
            if is_done {
                shard.done(batch.millis_behind(), batch.lag, now);
            }
            Arc::clone(&shard.sheet)
        });
        let sheet = facts.stream(stream);
        drop(facts);
        sheet.add(Id::Batches, [of_batch(batch.end), ""], 1);
        sheet.observe(Id::BatchDuration, PLAIN, batch.took);
        let Some(sheet) = of_shard else { return };
        sheet.add_time(Id::Processing, PLAIN, batch.took);
        match batch.end {
            BatchEnd::Done => {
                sheet.add(Id::Records, PLAIN, batch.records() as u64);
                sheet.add(Id::Bytes, PLAIN, batch.bytes());
            }
            BatchEnd::Failed(_) | BatchEnd::Panicked(_) => sheet.add(Id::BatchFailures, PLAIN, 1),
            _ => {}
        }
    }
}

impl Metrics {
    /// Events of the session, of planning, and of the worker as a whole.
    fn on_session(&self, about: &Subject, event: &E) {
        let sheet = self.worker(about);
        let count = |id| sheet.add(id, PLAIN, 1);
        match event {
            E::Lapsed => count(Id::Lapses),
            E::Fenced { .. } => count(Id::Restarts),
            E::EndedDead { .. } => count(Id::DeadEnded),
            E::Planned { moves, .. } => {
                count(Id::Plans);
                sheet.add(Id::PlannedMoves, PLAIN, *moves as u64);
            }
            E::LeaseForced { .. } => count(Id::LeasesForced),
            E::LeaseConflict { .. } => count(Id::LeaseConflicts),
            E::LeaseStalled { .. } => count(Id::LeasesStalled),
            _ => {}
        }
        let mut facts = self.facts();
        match event {
            E::Lapsed | E::Fenced { .. } => facts.valid = Some(false),
            E::Revived { .. } => facts.valid = Some(true),
            E::Closed { .. } => facts.closed = true,
            E::Reopened => facts.closed = false,
            E::PlanningStarted { .. } => facts.planning = true,
            E::PlanningStopped { .. } => facts.forget_plan(),
            E::WorkersWanted { workers, .. } => facts.want(*workers, self.now()),
            E::UnreadAge { oldest, retention, .. } => {
                facts.note_unread(*oldest, *retention, self.now());
            }
            E::Planned { unassigned, .. } => facts.unassigned = Some(*unassigned as u64),
            E::Leaving => facts.leaves = true,
            E::Finished { .. } => {
                (facts.leaves, facts.over, facts.valid) = (true, true, Some(false));
            }
            _ => {}
        }
    }

    /// The store acknowledged a beat after `took`. The session counts as valid from the time at
    /// which the beat was sent.
    fn on_beat(&self, took: Duration) {
        let sent = self.now() - took;
        let mut facts = self.facts();
        // An answer that arrives late belongs to an earlier beat.
        if facts.acknowledged.is_none_or(|before| before < sent) {
            facts.acknowledged = Some(sent);
            facts.valid = Some(true);
        }
    }

    /// Events of leases and shards.
    fn on_lease(&self, about: &Subject, event: &E) {
        let sheet = self.worker(about);
        match event {
            E::LeaseGained { .. } => {
                sheet.add(Id::LeasesGained, PLAIN, 1);
                self.facts().gain(about);
            }
            E::LeaseLost { key, reason, .. } => {
                sheet.add(Id::LeasesLost, [of_loss(*reason), ""], 1);
                self.facts().shards.remove(key);
            }
            E::ShardEnded { key, .. } => {
                sheet.add(Id::ShardsEnded, PLAIN, 1);
                self.facts().shards.remove(key);
            }
            E::ProcessorStalled { .. } => self.with(about, |shard| shard.stalled = true),
            E::ShardStopped { .. } => self.with(about, |shard| shard.stopped = true),
            E::RecordSkipped { .. } => self.with(about, ShardFacts::skip),
            _ => {}
        }
    }

    /// Changes the state of the shard that an event is about, if this worker holds its lease.
    fn with(&self, about: &Subject, change: impl FnOnce(&mut ShardFacts)) {
        if let Some(shard) = self.facts().shard(about) {
            change(shard);
        }
    }

    /// Events that are counted by stream, so that the count survives a move of the shard.
    fn on_stream_of(&self, about: &Subject, event: &E) {
        let (id, step) = match event {
            E::RecordSkipped { .. } => (Id::Skipped, ""),
            E::DeadLetterFailed { .. } => (Id::DeadLetterFailures, ""),
            E::ProcessorPanicked { .. } => (Id::Panics, ""),
            E::ProcessorStartFailed { .. } => (Id::ProcessorFailures, "start"),
            E::ProcessorEndFailed { .. } => (Id::ProcessorFailures, "end"),
            E::ProcessorStopFailed { .. } => (Id::ProcessorFailures, "stop"),
            E::RunRewound { .. } => (Id::Rewinds, ""),
            E::RecordsLost { .. } => (Id::Losses, ""),
            E::ReadFailed { .. } => (Id::ReadFailures, ""),
            E::ReadStandstill { .. } => (Id::Standstills, ""),
            _ => return,
        };
        if let Some(stream) = &about.stream {
            let sheet = self.facts().stream(stream);
            sheet.add(id, [step, ""], 1);
        }
    }
}

/// The kind of an event that is rare and needs the operator's attention; `None` for any other
/// event.
const fn trouble(event: &E) -> Option<&'static str> {
    Some(match event {
        E::DuplicateWorkerId { .. } => "duplicate_worker_id",
        E::RulesRefused { .. } => "rules_refused",
        E::RulesPassedOver { .. } => "rules_passed_over",
        E::WorkerNotNamed { .. } => "worker_not_named",
        E::InheritanceFull { .. } => "inheritance_full",
        E::DocumentUnreadable { .. } => "document_unreadable",
        E::DocumentFull { .. } => "document_full",
        E::HashRangeHole { .. } => "hash_range_hole",
        E::LineageUnclear { .. } => "lineage_unclear",
        E::NotOfMyStream { .. } => "not_of_my_stream",
        E::UnreadOld { .. } => "unread_old",
        E::EndUnproven { .. } => "end_unproven",
        E::RunBroken { .. } => "run_broken",
        E::ShardStopped { .. } => "shard_stopped",
        E::ChildrenUnknown { .. } => "children_unknown",
        E::StreamTrouble { .. } => "stream_trouble",
        E::StreamUnknown { .. } => "stream_unknown",
        E::ShardsUnknown { .. } => "shards_unknown",
        E::StreamRemade => "stream_remade",
        E::StreamDiffers { .. } => "stream_differs",
        E::StartDiffers { .. } => "start_differs",
        E::StoreUnprepared { .. } => "store_unprepared",
        E::StoreRemade { .. } => "store_remade",
        E::StoreWentBack => "store_went_back",
        E::WakeupsBroken { .. } => "wakeups_broken",
        _ => return None,
    })
}

const THROTTLED: &str = "throttled";
const ACKNOWLEDGED: &str = "acknowledged";

/// The outcome of a beat or a checkpoint; `None` if the worker abandoned the call.
const fn in_short(end: StoreCallEnd<'_>) -> Option<&'static str> {
    match end {
        StoreCallEnd::Done => Some(ACKNOWLEDGED),
        StoreCallEnd::Refused => Some("refused"),
        StoreCallEnd::Abandoned => None,
        _ => Some("failed"),
    }
}

/// The outcome of a checkpoint, which has another name for success.
fn written(end: &'static str) -> &'static str {
    if end == ACKNOWLEDGED { "written" } else { end }
}

/// The label `outcome` of a store call.
const fn of_store(end: StoreCallEnd<'_>) -> &'static str {
    match end {
        StoreCallEnd::Done => "done",
        StoreCallEnd::Refused => "refused",
        StoreCallEnd::TimedOut(_) => "timed_out",
        StoreCallEnd::Abandoned => "abandoned",
        StoreCallEnd::Panicked => "panicked",
        StoreCallEnd::Failed(error) => match error.kind {
            StoreErrorKind::Unavailable => "unavailable",
            StoreErrorKind::Throttled => THROTTLED,
            StoreErrorKind::Unknown => "unknown",
            StoreErrorKind::Denied => "denied",
            StoreErrorKind::Misconfigured => "misconfigured",
            StoreErrorKind::Missing => "missing",
            StoreErrorKind::Corrupt => "corrupt",
            _ => "failed",
        },
        _ => "other",
    }
}

/// The label `outcome` of a call of the stream.
const fn of_source(end: SourceCallEnd<'_>) -> &'static str {
    match end {
        SourceCallEnd::Done => "done",
        SourceCallEnd::Lost => "records_lost",
        SourceCallEnd::Standstill => "standstill",
        SourceCallEnd::ShardEnded => "shard_ended",
        SourceCallEnd::Abandoned => "abandoned",
        SourceCallEnd::Panicked => "panicked",
        SourceCallEnd::Failed(error) => match error.kind {
            SourceErrorKind::Unavailable => "unavailable",
            SourceErrorKind::Throttled => THROTTLED,
            SourceErrorKind::Denied => "denied",
            SourceErrorKind::Encryption => "encryption",
            SourceErrorKind::NoStream => "no_stream",
            SourceErrorKind::NoShard => "no_shard",
            SourceErrorKind::OtherStream => "other_stream",
            SourceErrorKind::Misconfigured => "misconfigured",
            SourceErrorKind::Corrupt => "corrupt",
            _ => "failed",
        },
        _ => "other",
    }
}

/// The label `outcome` of a batch.
const fn of_batch(end: BatchEnd<'_>) -> &'static str {
    match end {
        BatchEnd::Done => "done",
        BatchEnd::Failed(_) => "failed",
        BatchEnd::Panicked(_) => "panicked",
        BatchEnd::Dropped => "dropped",
        _ => "other",
    }
}

/// The label `reason` of a lost lease.
const fn of_loss(reason: LossReason) -> &'static str {
    match reason {
        LossReason::HandedOver => "handed_over",
        LossReason::Taken => "taken",
        LossReason::Fenced => "fenced",
        LossReason::Gone => "gone",
        LossReason::Leaving => "leaving",
        _ => "other",
    }
}
