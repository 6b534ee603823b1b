//! The current state of a worker, its leases and its shards. Gauges and probes are made of it.
//!
//! The observer changes it under one lock. An unknown value is `None`, and its gauge is absent:
//! zero would mean that it is known. Ages are kept as points in time, so that they grow between two
//! events.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use kcl_core::{
    env::Time,
    lease::{LeaseKey, report::STALE_AFTER},
    observe::{KeeperTurn, Subject},
    stream::ShardId,
};

use crate::{sheet::Sheet, table::Scope};

/// The current state of a worker.
#[derive(Debug, Default)]
pub(crate) struct Facts {
    /// The held leases.
    pub(crate) shards: BTreeMap<LeaseKey, ShardFacts>,
    /// The counters of each stream that the worker read, also after its shards moved away.
    pub(crate) streams: BTreeMap<Arc<str>, Arc<Sheet>>,
    /// When the worker sent the last beat that the store acknowledged.
    pub(crate) acknowledged: Option<Time>,
    /// Whether the session is valid; `None` before the first beat was acknowledged.
    pub(crate) valid: Option<bool>,
    /// Whether the application is closed for a change of its rows.
    pub(crate) closed: bool,
    /// Whether this worker is the planner.
    pub(crate) planning: bool,
    /// The leases without a worker in the last plan of this term; `None` if it made none.
    pub(crate) unassigned: Option<u64>,
    /// How many workers the load needs, and when the planner computed it.
    wanted: Option<(u64, Time)>,
    /// The age of the oldest record that no worker reads, and when the planner measured it in this
    /// term.
    unread: Option<(Duration, Time)>,
    /// How long the stream keeps records, measured together with `unread`.
    pub(crate) retention: Option<Duration>,
    /// The last turn of the keeper's loop.
    pub(crate) turn: Option<KeeperTurn>,
    /// Whether the worker shuts down, or has ended.
    pub(crate) leaves: bool,
    /// Whether the worker has ended.
    pub(crate) over: bool,
}

/// The current state of a shard whose lease this worker holds.
#[derive(Debug)]
pub(crate) struct ShardFacts {
    pub(crate) stream: Arc<str>,
    pub(crate) shard: ShardId,
    /// The counters of the shard. They begin at zero each time that the worker gets the lease.
    pub(crate) sheet: Arc<Sheet>,
    /// How far processing was behind the newest record, and when that was measured.
    behind: Option<(Duration, Time)>,
    /// How old the last processed record was when it was processed.
    pub(crate) age: Option<Duration>,
    /// Since when the processor has its current batch; `None` between batches.
    pub(crate) begun: Option<Time>,
    /// Whether a batch was delivered and is neither processed nor skipped, also after it failed.
    is_undone: bool,
    /// Whether the processor made no progress with its current batch for too long.
    pub(crate) stalled: bool,
    /// Whether the failure policy stopped the shard.
    pub(crate) stopped: bool,
}

impl Facts {
    /// Adds a lease that the worker took. Removes the same shard of an earlier life of the stream.
    pub(crate) fn gain(&mut self, about: &Subject) {
        let (Some(key), Some(stream), Some(shard)) = (&about.lease, &about.stream, &about.shard)
        else {
            return;
        };
        self.shards.retain(|_, held| held.shard != *shard || held.stream != *stream);
        self.stream(stream);
        self.shards.insert(key.clone(), ShardFacts::new(Arc::clone(stream), shard.clone()));
    }

    /// Sets how many workers the load needs; `None` if the planner does not know it any more.
    pub(crate) fn want(&mut self, workers: Option<u64>, now: Time) {
        self.wanted = workers.map(|workers| (workers, now));
    }

    /// How many workers the load needs; `None` if the value is older than [`STALE_AFTER`].
    pub(crate) fn wanted(&self, now: Time) -> Option<u64> {
        let lately = self.wanted.filter(|(_, at)| now.since(*at) <= STALE_AFTER);
        lately.map(|(workers, _)| workers)
    }

    /// Sets the age of the oldest record that no worker reads, as this worker measured it as the
    /// planner.
    pub(crate) fn note_unread(
        &mut self,
        oldest: Option<Duration>,
        retention: Option<Duration>,
        now: Time,
    ) {
        self.unread = oldest.map(|oldest| (oldest, now));
        self.retention = retention;
    }

    /// The age of that record now.
    pub(crate) fn unread(&self, now: Time) -> Option<Duration> {
        self.unread.map(|(oldest, at)| oldest + now.since(at))
    }

    /// Forgets everything that only the planner knows: this worker is not the planner any more.
    pub(crate) const fn forget_plan(&mut self) {
        (self.planning, self.unassigned) = (false, None);
        (self.unread, self.retention) = (None, None);
    }

    /// The counters of a stream, which are made at the first call.
    pub(crate) fn stream(&mut self, name: &Arc<str>) -> Arc<Sheet> {
        let new = || Arc::new(Sheet::of(Scope::Stream));
        Arc::clone(self.streams.entry(Arc::clone(name)).or_insert_with(new))
    }

    /// The shard of an event; `None` if this worker does not hold its lease.
    pub(crate) fn shard(&mut self, about: &Subject) -> Option<&mut ShardFacts> {
        self.shards.get_mut(about.lease.as_ref()?)
    }
}

impl ShardFacts {
    /// The state of a lease that the worker has just taken: everything is unknown.
    fn new(stream: Arc<str>, shard: ShardId) -> Self {
        Self {
            stream,
            shard,
            sheet: Arc::new(Sheet::of(Scope::Shard)),
            behind: None,
            age: None,
            begun: None,
            is_undone: false,
            stalled: false,
            stopped: false,
        }
    }

    /// The most that processing can be behind the newest record now: the last measured value, and
    /// the time since, because a new record may have arrived right after it. `None` if unknown.
    pub(crate) fn lag(&self, now: Time) -> Option<Duration> {
        self.behind.map(|(behind, at)| behind + now.since(at))
    }

    /// Takes the answer of a read. `millis_behind` is how far the read is behind the newest record.
    pub(crate) fn read(&mut self, millis_behind: Option<u64>, is_empty: bool, now: Time) {
        // Reading is ahead of processing: a read counts only before the first batch, or if it is
        // empty and every delivered batch is processed.
        if self.behind.is_none() || (is_empty && !self.is_undone) {
            self.set_behind(millis_behind, now);
        }
    }

    /// The processor gets a batch.
    pub(crate) fn begin(&mut self, now: Time) {
        self.begun = Some(now);
        self.is_undone = true;
    }

    /// The call of the processor has ended, with or without an error.
    pub(crate) fn end(&mut self) {
        self.begun = None;
        self.stalled = false;
    }

    /// The batch is processed.
    pub(crate) fn done(&mut self, millis_behind: Option<u64>, age: Option<Duration>, now: Time) {
        self.is_undone = false;
        self.age = age.or(self.age);
        self.set_behind(millis_behind, now);
    }

    /// A record that failed was skipped: nothing delivered waits to be processed.
    pub(crate) const fn skip(&mut self) {
        self.is_undone = false;
    }

    /// Sets how far processing is behind; `None` makes it unknown.
    fn set_behind(&mut self, millis: Option<u64>, now: Time) {
        self.behind = millis.map(|millis| (Duration::from_millis(millis), now));
    }
}
