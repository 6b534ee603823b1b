//! Moves: none that no plan asked for.

use std::collections::{BTreeMap, BTreeSet};

use kcl_core::{
    coordinator::StoreCall,
    lease::{Epoch, LeaseKey, Release, SessionId},
};

use crate::sim::{
    fact::Fact,
    invariant::{Excuse, Invariant},
    known::Known,
    stream::ShardNo,
};

/// Leases that a worker that stays gives up to another are no more than the plans published asked
/// for; and each of these asks for the fewest (see the properties of `assignment`).
#[derive(Debug, Default)]
pub(super) struct MovesArePlanned {
    plans: usize,
    planned: usize,
    moved: usize,
    /// How many plans there were when each lease was taken.
    taken: BTreeMap<LeaseKey, usize>,
    /// What was ever read under which epoch.
    read: BTreeSet<(ShardNo, Epoch)>,
    /// Who released a lease, until it is taken.
    released: BTreeMap<LeaseKey, SessionId>,
    /// Shards before this one belong to former lives of the stream.
    first: ShardNo,
}

impl Invariant for MovesArePlanned {
    fn name(&self) -> &'static str {
        "moves are planned"
    }

    fn until(&self) -> Option<Excuse> {
        Some(Excuse::Plans)
    }

    fn check(&mut self, fact: &Fact<'_>, _: &Known) -> Result<(), String> {
        match fact {
            Fact::Planned { moves } => {
                self.plans += 1;
                self.planned += moves;
            }
            Fact::Remade { first } => self.first = *first,
            Fact::Dispatched(dispatch) => {
                self.read.insert((dispatch.shard, dispatch.epoch));
            }
            Fact::Lease {
                call: StoreCall::Release(release), stays: true, shard: Some(no), ..
            } if self.is_move(release, *no) => {
                self.released.insert(release.key.clone(), release.owner.clone());
            }
            Fact::Lease { call: StoreCall::Acquire(acquire), .. } => {
                let from = self.released.remove(&acquire.key);
                self.moved += usize::from(from.is_some_and(|from| from != acquire.owner));
                self.taken.insert(acquire.key.clone(), self.plans);
            }
            _ => {}
        }
        if self.moved <= self.planned {
            return Ok(());
        }
        Err(format!("{} leases changed hands, {} were planned to", self.moved, self.planned))
    }
}

impl MovesArePlanned {
    /// Whether this should have been planned. What was taken and never read is given back, and the
    /// leases of a stream that was made again are given up.
    fn is_move(&self, release: &Release, shard: ShardNo) -> bool {
        shard >= self.first
            && self.read.contains(&(shard, release.epoch))
            && self.was_known(&release.key)
    }

    /// Whether the newest plan can have known who holds a lease. Of what was taken after it, by an
    /// acquire that was on its way, it cannot.
    fn was_known(&self, key: &LeaseKey) -> bool {
        self.taken.get(key).is_some_and(|plans| *plans < self.plans)
    }
}
