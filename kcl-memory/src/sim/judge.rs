//! Checks the invariants of simulated runs on a run of real processes.
//!
//! A simulated world sees everything. A test that observes real workers sees only deliveries, and
//! lease rows that it reads or whose writes it counts. [`Judge`] makes `Fact`s of what the test saw
//! and gives them to the same [`Oracle`] that simulated runs use, so each invariant has one
//! definition for both.
//!
//! - `records` knows which records were put and which process was given each.
//! - `writes` has the methods of [`Judge`] about lease rows.
//! - `row` checks the history of a single row, for the conformance suite.
//!
//! The judge excuses invariants whose facts cannot be observed (plans), and adds two kinds that a
//! simulated store and stream make superfluous: stale writes, and deliveries of records that nobody
//! put. Unlike a simulated run it does not end at the first violation.

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

/// Judges what real processes were seen to do, by the invariants of simulated runs.
///
/// A test reports to it which records were put, each delivery, and each lease row that it read or
/// whose write it saw, in the order in which they happened. Each call returns what it broke, and
/// all violations together are in [`broken`](Self::broken). What cannot be seen from outside is not
/// judged: sessions, documents, and how long anything took.
///
/// **A test may know the order only in part**, since different processes recorded what they did.
/// Then it reports the events in an order that is possible, and of these in the most lenient one:
/// records of a former owner and of a parent first, rows last. An invariant that breaks in this
/// order breaks in every possible order.
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
    /// By [`ShardNo`]: the shards of the stream, and shards that only a call named.
    shards: Vec<Judged>,
    /// The number of each shard in `shards`.
    numbers: BTreeMap<ShardId, ShardNo>,
    /// The last record delivered, by shard and epoch.
    reached: BTreeMap<(ShardNo, Epoch), u64>,
    /// Each lease row as the test last reported it.
    rows: BTreeMap<LeaseKey, Lease>,
    records: Records,
    /// Whether a batch may be interrupted: then it comes again under the same epoch.
    interrupts: bool,
    /// All violations so far, in the order in which they were found.
    broken: Vec<Violation>,
}

/// One record that a processor was given, as a test saw it.
#[derive(Clone, Copy, Debug)]
pub struct Delivered<'a> {
    /// The worker that was given it.
    pub worker: &'a WorkerId,
    /// Which process with this worker id: a worker that was restarted is another process than
    /// before. Any numbering will do.
    pub life: usize,
    /// The record's shard.
    pub shard: &'a ShardId,
    /// The epoch of the lease that the worker held.
    pub epoch: Epoch,
    /// The place of the record among all records of its shard, counted from 1.
    pub place: u64,
    /// The number that the test gave to [`Judge::put`] for this record. `None`: nobody put it.
    pub record: Option<u64>,
    /// Another worker whose processor has records of the shard at the same time. `None`: there is
    /// no such worker, or the test cannot know.
    pub beside: Option<&'a WorkerId>,
}

/// A shard, and how many records it took.
#[derive(Debug)]
struct Judged {
    id: ShardId,
    /// The shards that it was split or merged from.
    parents: Vec<ShardNo>,
    /// How many records it took; 0 for a shard that only a call named.
    records: u64,
    /// The places of the records that were delivered at least once.
    delivered: BTreeSet<u64>,
}

impl Judge {
    /// A judge for a stream of these shards, each with the number of records that it took. A parent
    /// that is not among them is taken for a shard without records.
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

    /// From now on two workers may process records of one shard at the same time. For tests that
    /// stop a process in the midst of a batch: it continues the batch when it goes on.
    pub fn excuse_overlap(&mut self) {
        self.oracle.excuse(Excuse::Overlap);
    }

    /// From now on a record that is delivered twice under one epoch is judged like any other
    /// delivery. For runs in which no batch fails and none is interrupted.
    pub const fn forbid_interruptions(&mut self) {
        self.interrupts = false;
    }

    /// Reports that a record was put, under a number that no other record has. Records of one
    /// partition key are to be reported in the order in which they were put; records of different
    /// keys in any order.
    pub fn put(&mut self, record: u64, key: &str) {
        self.records.put(record, key);
    }

    /// Reports a delivery, and returns what it broke.
    ///
    /// By default a batch may be interrupted and come again under the same epoch: such repeats are
    /// not judged by the order of the shard (see
    /// [`forbid_interruptions`](Self::forbid_interruptions)).
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

    /// Reports the end of the run, and returns what that broke: records that were put and never
    /// delivered, or no record at all.
    pub fn over(&mut self, at: Time) -> &[Violation] {
        let before = self.broken.len();
        let Self { oracle, records, broken, .. } = self;
        broken.extend(oracle.learn_all(at, &Fact::Over { put: records.count() }));
        for (record, key, given) in records.all() {
            broken.extend(oracle.learn_all(at, &Fact::Left { record, key, given }));
        }
        &self.broken[before..]
    }

    /// All violations so far, in the order in which the test reported the events.
    pub fn broken(&self) -> &[Violation] {
        &self.broken
    }

    /// Records that were delivered more than once, with an entry for each delivery after the first.
    /// Deliveries are compared in the order of their epochs: a later owner repeats what an earlier
    /// one read.
    pub fn repeats(&self) -> Vec<Repeat> {
        self.records.repeats()
    }

    /// The number of a shard. A shard that is not known gets a new one.
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

    /// Checks what a delivery shows by itself: the process, the epoch, and the order of the
    /// partition key.
    fn given(&mut self, at: Time, shard: ShardNo, delivered: &Delivered<'_>) {
        let Delivered { worker, life, epoch, place, .. } = *delivered;
        let Self { oracle, records, broken, .. } = self;
        let first = delivered.record.is_some_and(|no| records.give(no, (worker, life), epoch));
        let record = delivered.record.and_then(|no| records.get(no, first));
        let given = Given { worker, life, shard, name: delivered.shard, epoch, place, record };
        broken.extend(oracle.learn_all(at, &Fact::Given(given)));
    }

    /// Checks what a delivery shows about its shard: order, parents, overlap.
    fn dispatched(&mut self, at: Time, shard: ShardNo, delivered: &Delivered<'_>) {
        let Delivered { worker, epoch, place, .. } = *delivered;
        self.reached.insert((shard, epoch), place);
        let after = place.saturating_sub(1);
        let (name, unread_parent) = (delivered.shard, self.unread_parent(shard));
        let overlaps = delivered.beside.cloned();
        let dispatch = Dispatch { worker, shard, name, epoch, after, unread_parent, overlaps };
        self.learn(at, &Fact::Dispatched(dispatch));
        // It counts as processed even if it broke an invariant: otherwise one fault would be
        // reported for each later record, too.
        self.learn(at, &Fact::Processed { shard, epoch, after, to: place });
    }

    /// An ancestor of this shard that is not read to its end, with the numbers of records read and
    /// taken. All generations are searched: a parent without records may have a parent with some.
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

    /// Gives a fact to the oracle and keeps what it breaks.
    fn learn(&mut self, at: Time, fact: &Fact<'_>) {
        self.broken.extend(self.oracle.learn_all(at, fact));
    }
}

#[cfg(test)]
mod tests;
