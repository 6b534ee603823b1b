//! How things stand with a worker: what gauges and probes are made of.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use kcl_core::{
    env::Time,
    lease::{LeaseKey, report::STALE_AFTER},
    observe::{KeeperTurn, Subject},
    stream::ShardId,
};

use crate::{sheet::Sheet, table::Scope};

/// How things stand with a worker.
#[derive(Debug, Default)]
pub(crate) struct Facts {
    /// The leases that are held.
    pub(crate) shards: BTreeMap<LeaseKey, ShardFacts>,
    /// The streams that anything was read of.
    pub(crate) streams: BTreeMap<Arc<str>, Arc<Sheet>>,
    /// When the last beat was sent that was acknowledged.
    pub(crate) acknowledged: Option<Time>,
    /// Whether the session is valid, once it ever was.
    pub(crate) valid: Option<bool>,
    pub(crate) closed: bool,
    pub(crate) planning: bool,
    /// As of the last plan of this term.
    pub(crate) unassigned: Option<u64>,
    /// How many workers the load needs, and when that was told.
    wanted: Option<(u64, Time)>,
    /// How old what nobody reads is, and when that was told, in this term.
    unread: Option<(Duration, Time)>,
    pub(crate) retention: Option<Duration>,
    /// The last turn of the keeper.
    pub(crate) turn: Option<KeeperTurn>,
    /// It was told to leave, or is over.
    pub(crate) leaves: bool,
    pub(crate) over: bool,
}

/// How things stand with a shard that is read here.
#[derive(Debug)]
pub(crate) struct ShardFacts {
    pub(crate) stream: Arc<str>,
    pub(crate) shard: ShardId,
    pub(crate) sheet: Arc<Sheet>,
    /// How far behind processing was, and when.
    behind: Option<(Duration, Time)>,
    /// How old the last record was that was processed.
    pub(crate) age: Option<Duration>,
    /// Since when the processor has a batch.
    pub(crate) begun: Option<Time>,
    /// A batch was given to the processor, and is not processed.
    is_undone: bool,
    pub(crate) stalled: bool,
    pub(crate) stopped: bool,
}

impl Facts {
    /// A lease is held from now on. A former life of its shard is read no longer.
    pub(crate) fn gain(&mut self, about: &Subject) {
        let (Some(key), Some(stream), Some(shard)) = (&about.lease, &about.stream, &about.shard)
        else {
            return;
        };
        self.shards.retain(|_, held| held.shard != *shard || held.stream != *stream);
        self.stream(stream);
        self.shards.insert(key.clone(), ShardFacts::new(Arc::clone(stream), shard.clone()));
    }

    /// The planner tells, or does not any more, how many workers the load needs.
    pub(crate) fn want(&mut self, workers: Option<u64>, now: Time) {
        self.wanted = workers.map(|workers| (workers, now));
    }

    /// How many workers the load needs, if that was told lately.
    pub(crate) fn wanted(&self, now: Time) -> Option<u64> {
        let lately = self.wanted.filter(|(_, at)| now.since(*at) <= STALE_AFTER);
        lately.map(|(workers, _)| workers)
    }

    /// How old what nobody reads is, as this worker plans.
    pub(crate) fn note_unread(
        &mut self,
        oldest: Option<Duration>,
        retention: Option<Duration>,
        now: Time,
    ) {
        self.unread = oldest.map(|oldest| (oldest, now));
        self.retention = retention;
    }

    /// How old what nobody reads is now.
    pub(crate) fn unread(&self, now: Time) -> Option<Duration> {
        self.unread.map(|(oldest, at)| oldest + now.since(at))
    }

    /// This worker does not plan any more.
    pub(crate) const fn forget_plan(&mut self) {
        (self.planning, self.unassigned) = (false, None);
        (self.unread, self.retention) = (None, None);
    }

    /// The figures of a stream.
    pub(crate) fn stream(&mut self, name: &Arc<str>) -> Arc<Sheet> {
        let new = || Arc::new(Sheet::of(Scope::Stream));
        Arc::clone(self.streams.entry(Arc::clone(name)).or_insert_with(new))
    }

    /// The shard, if it is read here.
    pub(crate) fn shard(&mut self, about: &Subject) -> Option<&mut ShardFacts> {
        self.shards.get_mut(about.lease.as_ref()?)
    }
}

impl ShardFacts {
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

    /// How far processing is behind at most, if that is known: what comes after the last look at it
    /// may have arrived right then.
    pub(crate) fn lag(&self, now: Time) -> Option<Duration> {
        self.behind.map(|(behind, at)| behind + now.since(at))
    }

    /// The stream was read.
    pub(crate) fn read(&mut self, millis_behind: Option<u64>, is_empty: bool, now: Time) {
        // What is read and not processed says nothing of how far processing is, but at the start.
        if self.behind.is_none() || (is_empty && !self.is_undone) {
            self.set_behind(millis_behind, now);
        }
    }

    pub(crate) fn begin(&mut self, now: Time) {
        self.begun = Some(now);
        self.is_undone = true;
    }

    /// The processor has the batch no longer.
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

    /// What could not be processed is skipped.
    pub(crate) const fn skip(&mut self) {
        self.is_undone = false;
    }

    fn set_behind(&mut self, millis: Option<u64>, now: Time) {
        self.behind = millis.map(|millis| (Duration::from_millis(millis), now));
    }
}
