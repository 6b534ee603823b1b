//! Makes the arguments of an observer by hand, to test an observer.
//!
//! ```
//! use std::time::Duration;
//!
//! use kcl_core::observe::{Observer, StoreCallEnd, StoreCallEnded, Subject, testing};
//!
//! # struct Mine;
//! # impl Observer for Mine {}
//! # let mine = Mine;
//! let key = "orders/1700000000000/shardId-000000000000".parse().unwrap();
//! mine.store_call(
//!     &Subject::for_test("order-indexer", None),
//!     &StoreCallEnded::for_test("beat", StoreCallEnd::Done, Duration::from_millis(4)),
//! );
//! for event in testing::events(&key) {
//!     mine.event(&Subject::for_test("order-indexer", event.lease()), &event);
//! }
//! ```

use std::{str::FromStr, time::Duration};

use super::{
    LossReason, WorkerEvent as E,
    observer::{
        BatchEnd, BatchEnded, KeeperTurn, SourceCallEnd, SourceCallEnded, StoreCallEnd,
        StoreCallEnded, Subject,
    },
};
use crate::{
    env::{Time, WallTime},
    lease::{Checkpoint, DocName, EndReason, Epoch, Incarnation, LeaseKey, SessionId, WorkerId},
    processor::RecordBatch,
    settings::InitialPosition,
    stream::{Position, SourceErrorKind, StreamKey},
};

impl Subject {
    /// The subject of the worker `test` of this application, or of one of its leases.
    #[must_use]
    pub fn for_test(application: &str, lease: Option<&LeaseKey>) -> Self {
        let worker = Self::new(application.into(), Some(sample("test")));
        lease.map_or_else(|| worker.clone(), |key| worker.of_lease(key))
    }
}

impl<'a> StoreCallEnded<'a> {
    /// A call to the lease store with these fields.
    #[must_use]
    pub const fn for_test(op: &'static str, end: StoreCallEnd<'a>, took: Duration) -> Self {
        Self { op, end, took }
    }
}

impl<'a> SourceCallEnded<'a> {
    /// A call to the stream with these fields, without records and without a lag.
    #[must_use]
    pub const fn for_test(op: &'static str, end: SourceCallEnd<'a>, took: Duration) -> Self {
        Self { op, end, took, records: 0, bytes: 0, millis_behind: None, last_arrival: None }
    }
}

impl<'a> BatchEnded<'a> {
    /// A batch whose processing has ended with these fields.
    #[must_use]
    pub const fn for_test(
        batch: &'a RecordBatch,
        end: BatchEnd<'a>,
        took: Duration,
        lag: Option<Duration>,
    ) -> Self {
        Self { end, took, lag, batch }
    }
}

impl KeeperTurn {
    /// A turn of the keeper with these fields.
    #[must_use]
    pub const fn for_test(next: Time, late: Duration) -> Self {
        Self { next, late }
    }
}

/// One event of each kind. Those about a lease are about `key`.
#[must_use]
pub fn events(key: &LeaseKey) -> Vec<E> {
    let mut all = of_the_fleet();
    all.extend(of_a_lease(key));
    all.extend(of_reading(key));
    all.extend(of_processing(key));
    all.extend(of_the_stream());
    all.extend(of_the_store());
    all
}

fn of_the_fleet() -> Vec<E> {
    let (session, problem) = (session(), "a problem".to_owned());
    let document = DocName::placement();
    vec![
        E::Registered { session: session.clone() },
        E::Fenced { session: session.clone(), reason: EndReason::Fenced },
        E::EndedDead { session: session.clone() },
        E::DuplicateWorkerId { session },
        E::Lapsed,
        E::Revived { leases: 3 },
        E::Closed { by: "a test".to_owned() },
        E::Reopened,
        E::Leaving,
        E::Finished { outcome: "left".to_owned() },
        E::PlanningStarted { term: Epoch(4) },
        E::PlanningStopped { term: Epoch(4) },
        E::Planned { moves: 2, unassigned: 1, workers: 3, leases: 8 },
        E::Unassignable { leases: Vec::new() },
        E::UnreadAge { oldest: None, retention: None },
        E::WorkersWanted { workers: Some(3) },
        E::RulesRefused { problem: problem.clone() },
        E::RulesDeclared { from: "a test".to_owned(), rules: 4 },
        E::RulesPassedOver { from: "a test".to_owned(), why: problem.clone() },
        E::WorkerNotNamed { absent: vec![sample("w-2")], unnamed: vec![sample("w-9")] },
        E::InheritanceFull { problem: problem.clone() },
        E::DocumentUnreadable { document: document.clone(), problem: problem.clone() },
        E::DocumentFull { document, leases: 7 },
        E::HashRangeHole { range: "0..7".to_owned() },
        E::LineageUnclear { problem },
    ]
}

fn of_a_lease(key: &LeaseKey) -> Vec<E> {
    let (epoch, session) = (Epoch(5), session());
    let key = || key.clone();
    vec![
        E::LeaseGained { key: key(), epoch },
        E::LeaseReleasing { key: key(), epoch },
        E::LeaseStalled { key: key(), epoch },
        E::LeaseConflict { key: key(), session: session.clone() },
        E::LeaseForced { key: key(), from: session, overlap: false },
        E::NotOfMyStream { key: key() },
        E::UnreadOld {
            key: key(),
            oldest: Duration::from_hours(13),
            retention: Duration::from_hours(24),
        },
        E::CheckpointStored { key: key(), epoch, checkpoint: Checkpoint::TrimHorizon },
        E::ShardEnded { key: key(), epoch },
        E::LeaseLost { key: key(), epoch, reason: LossReason::Taken },
    ]
}

fn of_reading(key: &LeaseKey) -> Vec<E> {
    let (epoch, why) = (Epoch(5), || "a reason".to_owned());
    let key = || key.clone();
    vec![
        E::ReadingStarted { key: key(), epoch },
        E::ReadingEnded { key: key(), epoch },
        E::EndUnproven { key: key(), after: None },
        E::ReadFailed {
            key: key(),
            kind: SourceErrorKind::Denied,
            error: why(),
            source: String::new(),
        },
        E::ReadStandstill { key: key(), calls: 10, why: why() },
        E::RecordsLost { key: key(), from: None, to: None },
        E::RunRewound { key: key(), to: None },
        E::RunBroken { key: key(), why: why() },
        E::ShardStopped { key: key(), reason: why() },
        E::ChildrenUnknown { key: key(), error: why() },
    ]
}

fn of_processing(key: &LeaseKey) -> Vec<E> {
    let error = || "an error".to_owned();
    let key = || key.clone();
    vec![
        E::BatchFailed { key: key(), attempt: 1, records: 9, error: error() },
        E::RecordSkipped { key: key(), at: Position::new(7_u128.into(), 0), error: error() },
        E::DeadLetterFailed { key: key(), error: error() },
        E::ProcessorStartFailed { key: key(), error: error() },
        E::ProcessorEndFailed { key: key(), error: error() },
        E::ProcessorStopFailed { key: key(), error: error() },
        E::ProcessorPanicked { key: key(), message: error() },
        E::ProcessorStalled { key: key(), since: Duration::from_secs(60) },
    ]
}

fn of_the_stream() -> Vec<E> {
    let (error, source) = ("an error".to_owned(), String::new());
    let of = StreamKey::new("orders", WallTime::from_millis(1));
    vec![
        E::StreamTrouble { kind: SourceErrorKind::Denied },
        E::StreamUnknown { error: error.clone(), source: source.clone() },
        E::ShardsUnknown { error, source },
        E::StreamRemade,
        E::StreamDiffers { reads: None, wanted: sample("orders") },
        E::StartDiffers { stream: of, at: None, by: None, wanted: InitialPosition::Latest },
    ]
}

fn of_the_store() -> Vec<E> {
    let error = "an error".to_owned();
    vec![
        E::StoreUnprepared { error: error.clone(), source: String::new() },
        E::StoreRemade { store: "memory:".to_owned() },
        E::StoreWentBack,
        E::WakeupsBroken { error },
    ]
}

fn session() -> SessionId {
    SessionId::new(sample::<WorkerId>("test"), Incarnation::from_bits(1))
}

#[expect(clippy::panic, reason = "a constant name is valid")]
fn sample<T: FromStr>(name: &str) -> T {
    let Ok(value) = name.parse() else { panic!("{name:?} is no name") };
    value
}
