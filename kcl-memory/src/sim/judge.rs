//! Checks the invariants of simulated runs on a run of real processes.
//!
//! A simulated world sees everything; a test that observes real workers sees only deliveries, and
//! lease rows that it reads or whose writes it counts. [`Judge`] turns these into the same `Fact`s,
//! and asks the same oracle. One definition of each invariant thus serves simulated and real runs.
//! The judge excuses what needs facts that it cannot have (plans), and adds invariants that a
//! simulated store and stream make superfluous: stale writes, and records that nobody put.
//!
//! `records` knows the records that were put, `writes` has the calls about rows, and `row` judges
//! the history of a single row, for the conformance suite.

use std::collections::{BTreeMap, BTreeSet};

use kcl_core::{
    env::Time,
    lease::{Epoch, Lease, LeaseKey, WorkerId},
    stream::{Shard, ShardId},
};

use super::{
    Violation,
    fact::{Dispatch, Fact, Given},
    invariant::Excuse,
    invariants,
    oracle::Oracle,
    stream::ShardNo,
};

mod records;
#[cfg(feature = "conformance")]
mod row;
mod writes;

#[cfg(feature = "conformance")]
pub use row::judge_row;

use self::records::Records;
pub use self::records::Repeat;

/// Judges what real processes were seen to do by the invariants of simulated runs.
///
/// It is told which records were put, of each delivery, and of each reading of a lease row or each
/// write to one: in the order in which they happened. Each call answers with what it broke; all of
/// that is in [`broken`](Self::broken). What cannot be seen from outside is not judged: sessions,
/// documents, and how long anything took.
///
/// **Who knows the order in part only**, since different processes wrote down what they did, tells
/// of it in one order that is possible, and in the kindest of them: records of a former owner and
/// of a parent first, rows last. A broken invariant is then broken in every order that is possible.
///
/// ```
/// use kcl_core::{env::Time, lease::Epoch, stream::{HashRange, Shard}};
/// use kcl_memory::sim::{Delivered, Judge};
///
/// let shard = Shard::open("shardId-000000000000".parse()?, HashRange::ALL);
/// let mut judge = Judge::new([(shard.clone(), 3)]);
/// for record in 1..=3 {
///     judge.put(record, "customer-7");
/// }
/// let (worker, life, shard, epoch) = (&"a".parse()?, 0, &shard.id, Epoch(1));
/// let given = |place| {
///     Delivered { worker, life, shard, epoch, place, record: Some(place), beside: None }
/// };
/// assert!(judge.delivered(Time::ZERO, &given(1)).is_empty());
/// // The second of its three records was not delivered, and never is.
/// assert_eq!(judge.delivered(Time::ZERO, &given(3))[0].invariant, "nothing is skipped");
/// assert_eq!(judge.over(Time::ZERO)[0].invariant, "everything is delivered");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Judge {
    oracle: Oracle,
    /// By [`ShardNo`]: the stream's shards, and those that were only named.
    shards: Vec<Judged>,
    numbers: BTreeMap<ShardId, ShardNo>,
    /// The last record delivered, by shard and epoch.
    reached: BTreeMap<(ShardNo, Epoch), u64>,
    rows: BTreeMap<LeaseKey, Lease>,
    records: Records,
    /// A batch that was interrupted comes again under the same epoch.
    interrupts: bool,
    broken: Vec<Violation>,
}

/// A record was given to a processor.
#[derive(Clone, Copy, Debug)]
pub struct Delivered<'a> {
    /// The worker that was given it.
    pub worker: &'a WorkerId,
    /// Which process of that worker id: tells a restarted worker from its former process.
    pub life: usize,
    /// The record's shard.
    pub shard: &'a ShardId,
    /// The epoch of the lease that the worker held.
    pub epoch: Epoch,
    /// The place of the record among all records of its shard, counted from 1.
    pub place: u64,
    /// The number under which [`Judge::put`] was called; `None`: nobody put this record.
    pub record: Option<u64>,
    /// Another worker whose processor has records of the shard at the same time. `None`: there is
    /// no such worker, or it is not known.
    pub beside: Option<&'a WorkerId>,
}

/// A shard, and how many records it took.
#[derive(Debug)]
struct Judged {
    id: ShardId,
    parents: Vec<ShardNo>,
    records: u64,
    /// The places of those that were delivered.
    delivered: BTreeSet<u64>,
}

impl Judge {
    /// For a stream of these shards, each with the number of records it took. A parent that is not
    /// among them took none.
    pub fn new(shards: impl IntoIterator<Item = (Shard, u64)>) -> Self {
        let mut oracle = Oracle::of(invariants::observed(), 0);
        // Plans are not seen.
        oracle.excuse(Excuse::Plans);
        let mut judge = Self {
            oracle,
            shards: Vec::new(),
            numbers: BTreeMap::new(),
            reached: BTreeMap::new(),
            rows: BTreeMap::new(),
            records: Records::default(),
            interrupts: true,
            broken: Vec::new(),
        };
        for (shard, records) in shards {
            let parents = shard.parents.iter().map(|parent| judge.number(parent)).collect();
            let no = judge.number(&shard.id);
            (judge.shards[no].parents, judge.shards[no].records) = (parents, records);
        }
        judge
    }

    /// From now on two workers may process records of one shard at once: a process that stood still
    /// in the midst of a batch goes on with it.
    pub fn excuse_overlap(&mut self) {
        self.oracle.excuse(Excuse::Overlap);
    }

    /// No batch is interrupted or fails: nothing comes twice under one epoch.
    pub const fn forbid_interruptions(&mut self) {
        self.interrupts = false;
    }

    /// A record was put, under a number that no other one has. Those of one partition key come in
    /// the order in which they were put; of different keys, in any.
    pub fn put(&mut self, record: u64, key: &str) {
        self.records.put(record, key);
    }

    /// A record was delivered: what that broke. A batch that was interrupted comes again under the
    /// same epoch; what had been delivered of it is passed over.
    pub fn delivered(&mut self, at: Time, delivered: &Delivered<'_>) -> &[Violation] {
        let before = self.broken.len();
        let shard = self.number(delivered.shard);
        self.given(at, shard, delivered);
        let again = !self.shards[shard].delivered.insert(delivered.place);
        let reached = self.reached.get(&(shard, delivered.epoch)).copied().unwrap_or(0);
        if !(self.interrupts && again && delivered.place <= reached) {
            self.dispatched(at, shard, delivered);
        }
        &self.broken[before..]
    }

    /// The run is over: what was put and never delivered.
    pub fn over(&mut self, at: Time) -> &[Violation] {
        let before = self.broken.len();
        let Self { oracle, records, broken, .. } = self;
        broken.extend(oracle.learn_all(at, &Fact::Over { put: records.count() }));
        for (record, key, given) in records.all() {
            broken.extend(oracle.learn_all(at, &Fact::Left { record, key, given }));
        }
        &self.broken[before..]
    }

    /// Everything that was broken, in the order in which it was told.
    pub fn broken(&self) -> &[Violation] {
        &self.broken
    }

    /// Records that were delivered more than once, a line for each time after the first. The first
    /// was under the lowest epoch: whoever held the lease later read again what that one had read.
    pub fn repeats(&self) -> Vec<Repeat> {
        self.records.repeats()
    }

    /// The number of a shard; a new one if nothing was known of it.
    fn number(&mut self, shard: &ShardId) -> ShardNo {
        if let Some(no) = self.numbers.get(shard) {
            return *no;
        }
        let (no, id) = (self.shards.len(), shard.clone());
        let (parents, delivered) = (Vec::new(), BTreeSet::new());
        self.shards.push(Judged { id, parents, records: 0, delivered });
        self.numbers.insert(shard.clone(), no);
        no
    }

    /// What a delivery shows by itself, and of its key.
    fn given(&mut self, at: Time, shard: ShardNo, delivered: &Delivered<'_>) {
        let Delivered { worker, life, epoch, place, .. } = *delivered;
        let Self { oracle, records, broken, .. } = self;
        let first = delivered.record.is_some_and(|no| records.give(no, (worker, life), epoch));
        let record = delivered.record.and_then(|no| records.get(no, first));
        let given = Given { worker, life, shard, name: delivered.shard, epoch, place, record };
        broken.extend(oracle.learn_all(at, &Fact::Given(given)));
    }

    /// What a delivery shows of its shard.
    fn dispatched(&mut self, at: Time, shard: ShardNo, delivered: &Delivered<'_>) {
        let Delivered { worker, epoch, place, .. } = *delivered;
        self.reached.insert((shard, epoch), place);
        let after = place.saturating_sub(1);
        let (name, unread_parent) = (delivered.shard, self.unread_parent(shard));
        let overlaps = delivered.beside.cloned();
        let dispatch = Dispatch { worker, shard, name, epoch, after, unread_parent, overlaps };
        self.learn(at, &Fact::Dispatched(dispatch));
        // It is processed, whatever that broke.
        self.learn(at, &Fact::Processed { shard, epoch, after, to: place });
    }

    /// A shard that this one comes from and that is not read to its end. A parent may be empty, and
    /// its own parent not.
    fn unread_parent(&self, shard: ShardNo) -> Option<(ShardId, u64, u64)> {
        let mut ancestors = self.shards[shard].parents.clone();
        let mut seen = BTreeSet::new();
        while let Some(no) = ancestors.pop() {
            let Judged { id, parents, records, delivered } = &self.shards[no];
            let done = u64::try_from(delivered.len()).unwrap_or(u64::MAX);
            if done < *records {
                return Some((id.clone(), done, *records));
            }
            ancestors.extend(parents.iter().filter(|no| seen.insert(**no)));
        }
        None
    }

    fn learn(&mut self, at: Time, fact: &Fact<'_>) {
        self.broken.extend(self.oracle.learn_all(at, fact));
    }
}

#[cfg(test)]
mod tests;
