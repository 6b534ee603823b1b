//! The invariants of simulated runs, held to a run that was not simulated.

use std::collections::BTreeMap;

use kcl_core::{
    coordinator::StoreCall,
    env::Time,
    lease::{Checkpoint, Epoch, Lease, LeaseKey, WorkerId},
    stream::{Position, SequenceNumber, Shard, ShardId},
};

use super::{
    Violation,
    fact::{Dispatch, Fact},
    invariant::Excuse,
    oracle::Oracle,
    stream::ShardNo,
};

#[cfg(feature = "conformance")]
mod row;

#[cfg(feature = "conformance")]
pub use row::judge_row;

/// Judges what real processes were seen to do by the invariants of simulated runs.
///
/// It is told of each delivery and each reading of a lease row, in the order in which they
/// happened; a broken invariant is the answer to whatever broke it. What cannot be seen from
/// outside is not judged: sessions, documents, and how long anything took.
///
/// ```
/// use kcl_core::{env::Time, lease::Epoch, stream::{HashRange, Shard}};
/// use kcl_memory::sim::{Delivered, Judge};
///
/// let shard = Shard::open("shardId-000000000000".parse()?, HashRange::ALL);
/// let mut judge = Judge::new([(shard.clone(), 3)]);
/// let worker = "a".parse()?;
/// let given = |number| Delivered { worker: &worker, shard: &shard.id, epoch: Epoch(1), number };
/// judge.delivered(Time::ZERO, &given(1))?;
/// // The second of its three records was never delivered.
/// assert!(judge.delivered(Time::ZERO, &given(3)).is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Judge {
    oracle: Oracle,
    shards: Vec<Judged>,
    numbers: BTreeMap<ShardId, ShardNo>,
    /// The last record delivered, by shard and epoch.
    reached: BTreeMap<(ShardNo, Epoch), u64>,
    rows: BTreeMap<LeaseKey, Lease>,
}

/// A record was given to a processor.
#[derive(Clone, Copy, Debug)]
pub struct Delivered<'a> {
    /// Whose.
    pub worker: &'a WorkerId,
    /// The record's shard.
    pub shard: &'a ShardId,
    /// The epoch of the lease that the worker held.
    pub epoch: Epoch,
    /// The how manieth record of its shard it is, from 1.
    pub number: u64,
}

/// A shard, and how many records it took.
#[derive(Debug)]
struct Judged {
    id: ShardId,
    parents: Vec<ShardNo>,
    records: u64,
}

impl Judge {
    /// For a stream of these shards, each with the number of records it took.
    pub fn new(shards: impl IntoIterator<Item = (Shard, u64)>) -> Self {
        let shards: Vec<(Shard, u64)> = shards.into_iter().collect();
        let numbers: BTreeMap<ShardId, ShardNo> =
            shards.iter().zip(0..).map(|((shard, _), no)| (shard.id.clone(), no)).collect();
        let judged = shards.into_iter().map(|(shard, records)| {
            let parents = shard.parents.iter().filter_map(|id| numbers.get(id).copied()).collect();
            Judged { id: shard.id, parents, records }
        });
        Self {
            shards: judged.collect(),
            oracle: Oracle::new(0),
            numbers,
            reached: BTreeMap::new(),
            rows: BTreeMap::new(),
        }
    }

    /// From now on two workers may process records of one shard at once: a process that stood still
    /// in the midst of a batch goes on with it.
    pub fn excuse_overlap(&mut self) {
        self.oracle.excuse(Excuse::Overlap);
    }

    /// A record was delivered. A batch that was interrupted comes again under the same epoch; what
    /// had been delivered of it is passed over.
    ///
    /// # Errors
    /// The invariant that it broke. Records of shards that the stream never had are not judged.
    pub fn delivered(&mut self, at: Time, delivered: &Delivered<'_>) -> Result<(), Violation> {
        let Delivered { worker, epoch, number, .. } = *delivered;
        let Some(shard) = self.numbers.get(delivered.shard).copied() else { return Ok(()) };
        if self.reached.get(&(shard, epoch)).is_some_and(|reached| number <= *reached) {
            return Ok(());
        }
        self.reached.insert((shard, epoch), number);
        let after = number.saturating_sub(1);
        let unread = self.shards[shard].parents.iter().map(|parent| &self.shards[*parent]);
        let unread = unread.zip(&self.shards[shard].parents).find_map(|(parent, no)| {
            let done = self.oracle.done(*no);
            (done < parent.records).then(|| (parent.id.clone(), done, parent.records))
        });
        let name = delivered.shard;
        let dispatch =
            Dispatch { worker, shard, name, epoch, after, unread_parent: unread, overlaps: None };
        let dispatched = self.oracle.learn(at, &Fact::Dispatched(dispatch));
        // It is processed, whatever that broke.
        let processed = self.oracle.learn(at, &Fact::Processed { shard, epoch, after, to: number });
        dispatched.and(processed)
    }

    /// A lease row was read, whose checkpoint leaves `passed` records of its shard behind.
    ///
    /// # Errors
    /// The invariant that it broke. Rows of roles are not judged, nor those of unknown shards.
    pub fn row(&mut self, at: Time, row: &Lease, passed: u64) -> Result<(), Violation> {
        let number = row.key.shard().and_then(|shard| self.numbers.get(&shard).copied());
        let Some(shard) = number else { return Ok(()) };
        let before = self.rows.get(&row.key).cloned();
        let mut row = row.clone();
        let has_ended = row.has_ended();
        if matches!(row.checkpoint, Checkpoint::After(_)) {
            row.checkpoint = after(passed);
        } else if has_ended && !before.as_ref().is_some_and(Lease::has_ended) {
            // The end leaves every record behind.
            row.checkpoint = after(self.shards[shard].records);
        }
        let seen = self.saw(at, shard, before.as_ref(), &row);
        if has_ended {
            row.checkpoint = Checkpoint::ShardEnd;
        }
        self.rows.insert(row.key.clone(), row.clone());
        seen.and_then(|()| self.saw(at, shard, Some(&row), &row))
    }

    fn saw(
        &mut self,
        at: Time,
        shard: ShardNo,
        before: Option<&Lease>,
        after: &Lease,
    ) -> Result<(), Violation> {
        let call = StoreCall::Lease(after.key.clone());
        let (after, shard) = (Some(after), Some(shard));
        let (stays, uncovered, allowed) = (true, None, None);
        let fact = Fact::Lease {
            call: &call,
            before,
            after,
            shard,
            stays,
            uncovered,
            allowed,
            barred: None,
            newcomer: false,
            frozen: false,
        };
        self.oracle.learn(at, &fact)
    }
}

fn after(records: u64) -> Checkpoint {
    if records == 0 {
        return Checkpoint::TrimHorizon;
    }
    Checkpoint::After(Position::from(SequenceNumber::from(u128::from(records))))
}

#[cfg(test)]
mod tests;
