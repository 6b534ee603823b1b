//! Moves: workers give leases away only as often as the plans ask for it.

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

/// The leases that move from one worker that stays to another are never more than the published
/// plans asked for. (That each plan asks for the fewest moves is a property of `assignment`, with
/// tests there.)
///
/// Broken as soon as `moved` exceeds `planned`. No longer checked once something other than a plan
/// takes leases away (`Excuse::Plans`): placement rules, or a store that lost its last writes.
#[derive(Debug, Default)]
pub(super) struct MovesArePlanned {
    /// How many plans were published.
    plans: usize,
    /// The sum of the moves that these plans asked for.
    planned: usize,
    /// Leases that another session took after a release that counts as a move ([`Self::is_move`]).
    moved: usize,
    /// How many plans there were when each lease was taken.
    taken: BTreeMap<LeaseKey, usize>,
    /// Each shard and epoch of which a worker dispatched at least one batch.
    read: BTreeSet<(ShardNo, Epoch)>,
    /// Which session released a lease by such a move; removed when a session takes the lease.
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
    /// Whether a plan should have asked for this release. Not if the lease was taken and never
    /// read, which its owner may simply give back; nor if it belongs to a stream that was made
    /// again.
    fn is_move(&self, release: &Release, shard: ShardNo) -> bool {
        shard >= self.first
            && self.read.contains(&(shard, release.epoch))
            && self.was_known(&release.key)
    }

    /// Whether the newest plan can have known the owner of a lease. It cannot if the owner took the
    /// lease after that plan, by an acquire that was still under way.
    fn was_known(&self, key: &LeaseKey) -> bool {
        self.taken.get(key).is_some_and(|plans| *plans < self.plans)
    }
}
