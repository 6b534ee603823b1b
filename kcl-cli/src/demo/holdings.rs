//! Computes from turns and cues who holds which lease, whether the fleet is in balance, and how
//! many moves a cue needs. Pure. The ledger uses it during the run, the judge afterwards.

use std::collections::{BTreeMap, BTreeSet};

use kcl_core::{lease::Epoch, stream::ShardId};

use super::facts::{Cue, Turn, WorkerNo};

/// Who holds which lease at a moment of the run.
#[derive(Clone, Debug, Default)]
pub(super) struct Holdings {
    /// The shards that take records.
    open: BTreeSet<ShardId>,
    /// The workers that run and were not asked to leave.
    staying: BTreeSet<WorkerNo>,
    /// The workers that crashed. Their late turns are ignored.
    dead: BTreeSet<WorkerNo>,
    /// The owner of each lease that has one, with the epoch.
    owners: BTreeMap<ShardId, (WorkerNo, Epoch)>,
    /// The last owner of each lease, also of one that has no owner now.
    last: BTreeMap<ShardId, WorkerNo>,
}

impl Holdings {
    /// Applies a cue.
    pub(super) fn cue(&mut self, cue: &Cue) {
        match cue {
            Cue::Start(workers, shards) => {
                self.staying.extend(workers);
                self.open.extend(shards.iter().cloned());
            }
            Cue::Join(workers) => self.staying.extend(workers),
            Cue::Split(splits) => {
                for split in splits {
                    self.open.remove(&split.parent);
                    self.open.extend(split.children.iter().cloned());
                }
            }
            Cue::Leave(worker) => drop(self.staying.remove(worker)),
            Cue::Crash(worker) => {
                self.staying.remove(worker);
                self.dead.insert(*worker);
                self.owners.retain(|_, (owner, _)| owner != worker);
            }
        }
    }

    /// Applies a turn. The answer is true if it is a move: a lease goes from one worker that stays
    /// to another. New leases, and those of workers that crashed or leave, must go somewhere: they
    /// are no moves.
    pub(super) fn turn(&mut self, turn: &Turn) -> bool {
        if self.dead.contains(&turn.worker) {
            return false;
        }
        let held = self.owners.get(&turn.shard).copied();
        if !turn.gained {
            // The event of a later owner may have come first.
            if held == Some((turn.worker, turn.epoch)) {
                self.owners.remove(&turn.shard);
            }
            return false;
        }
        if held.is_some_and(|(_, epoch)| epoch >= turn.epoch) {
            return false;
        }
        self.owners.insert(turn.shard.clone(), (turn.worker, turn.epoch));
        let former = self.last.insert(turn.shard.clone(), turn.worker);
        former.is_some_and(|former| former != turn.worker && self.staying.contains(&former))
    }

    /// The epoch under which a shard is held; [`Epoch::NONE`] if nobody holds it.
    pub(super) fn epoch(&self, shard: &ShardId) -> Epoch {
        self.owners.get(shard).map_or(Epoch::NONE, |(_, epoch)| *epoch)
    }

    /// How many leases a worker holds.
    pub(super) fn count(&self, worker: WorkerNo) -> usize {
        self.owners.values().filter(|(owner, _)| *owner == worker).count()
    }

    /// The shards a worker holds.
    pub(super) fn shards_of(&self, worker: WorkerNo) -> impl Iterator<Item = &ShardId> {
        let held = self.owners.iter().filter(move |(_, (owner, _))| *owner == worker);
        held.map(|(shard, _)| shard)
    }

    /// Whether the fleet is in balance: the workers that stay hold every open shard and nothing
    /// else, and no two of them differ by more than one lease.
    pub(super) fn is_even(&self) -> bool {
        let covered = self.owners.keys().eq(self.open.iter());
        let staying = self.owners.values().all(|(owner, _)| self.staying.contains(owner));
        let counts = || self.staying.iter().map(|worker| self.count(*worker));
        let spread = counts().max().unwrap_or(0) - counts().min().unwrap_or(0);
        covered && staying && spread <= 1 && !self.staying.is_empty()
    }

    /// The fewest moves that an even plan needs right after `cue`: the sum of what each worker that
    /// stays holds above its share. A child counts as held by the owner of its parent, because that
    /// worker takes it at the parent's end.
    pub(super) fn optimum(&self, cue: &Cue) -> usize {
        let mut after = self.clone();
        after.cue(cue);
        let inherited = |shard: &ShardId| {
            let Cue::Split(splits) = cue else { return None };
            let split = splits.iter().find(|split| split.children.contains(shard))?;
            self.owners.get(&split.parent)
        };
        let owner = |shard: &ShardId| {
            after.owners.get(shard).or_else(|| inherited(shard)).map(|(owner, _)| *owner)
        };
        let mut held: BTreeMap<WorkerNo, usize> =
            after.staying.iter().map(|worker| (*worker, 0)).collect();
        for owner in after.open.iter().filter_map(owner) {
            if let Some(count) = held.get_mut(&owner) {
                *count += 1;
            }
        }
        let mut held: Vec<usize> = held.into_values().collect();
        held.sort_unstable_by(|a, b| b.cmp(a));
        let workers = held.len().max(1);
        let (share, rest) = (after.open.len() / workers, after.open.len() % workers);
        // The workers that hold most keep the larger shares.
        let target = |rank: usize| share + usize::from(rank < rest);
        held.iter().enumerate().map(|(rank, held)| held.saturating_sub(target(rank))).sum()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Workers that hold these numbers of leases, of a stream with as many shards.
    fn holding(counts: &[usize]) -> Holdings {
        let mut holdings = Holdings::default();
        let workers = (1..).map(WorkerNo).take(counts.len());
        let shard = |number: usize| format!("shardId-{number:012}").parse::<ShardId>().unwrap();
        let shards = (0..counts.iter().sum()).map(shard);
        holdings.cue(&Cue::Start(workers.clone().collect(), shards.collect()));
        let owners = workers.zip(counts).flat_map(|(worker, count)| vec![worker; *count]);
        for (number, worker) in owners.enumerate() {
            let (shard, epoch) = (shard(number), Epoch(1));
            holdings.turn(&Turn { worker, shard, epoch, gained: true, at: 0 });
        }
        holdings
    }

    /// Counts the moves of one lease at a time, from the worker with the most to the one with the
    /// fewest leases, until the shares are even.
    fn moves_by_hand(mut counts: Vec<usize>) -> usize {
        for moves in 0.. {
            counts.sort_unstable();
            let last = counts.len() - 1;
            if counts[last] - counts[0] <= 1 {
                return moves;
            }
            counts[0] += 1;
            counts[last] -= 1;
        }
        unreachable!()
    }

    proptest! {
        #[test]
        fn the_optimum_is_what_moving_one_lease_after_another_takes(
            counts in prop::collection::vec(0..12_usize, 1..7),
        ) {
            let nothing = Cue::Split(Vec::new());
            let holdings = holding(&counts);
            prop_assert_eq!(holdings.optimum(&nothing), moves_by_hand(counts));
            prop_assert_eq!(holdings.is_even(), holdings.optimum(&nothing) == 0);
        }
    }
}
