//! What a plan is made from.

use std::{collections::BTreeSet, time::Duration};

use super::{Balance, Limits, WorkerIndex, placement::PlacementRules};
use crate::lease::{LeaseKey, WorkerId};

/// What a plan is made from.
///
/// Leases name workers and rules by their index. An index that names none counts as `None`.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct View {
    /// The runnable leases: a parent that has not ended, or an end that has come, takes no seat.
    pub leases: Vec<LeaseView>,
    /// The live workers that do not leave, each once.
    pub workers: Vec<WorkerView>,
    /// How much one worker may take.
    pub limits: Limits,
    /// Which leases must or should go to which worker.
    pub rules: PlacementRules,
    /// How the others are shared out.
    pub balance: Balance,
    /// Whether the fleet is frozen: as under [`Balance::Keep`], whatever the balance is.
    pub frozen: bool,
    /// Workers that live and get nothing, since the operator has drained them. None of them is
    /// among [`Self::workers`]; what they hold is held by nobody.
    pub drained: BTreeSet<WorkerId>,
}

impl View {
    /// These leases and workers, with no limits and no rules, shared out evenly.
    #[must_use]
    pub fn new(leases: Vec<LeaseView>, workers: Vec<WorkerView>) -> Self {
        Self { leases, workers, ..Self::default() }
    }

    /// Whether nothing moves that a live worker holds, unless the operator says so.
    pub(super) fn keeps(&self) -> bool {
        self.frozen || self.balance == Balance::Keep
    }

    /// How many leases may be read.
    pub(super) fn readable(&self) -> usize {
        self.leases.iter().filter(|lease| !lease.paused).count()
    }
}

/// A runnable lease.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct LeaseView {
    /// Its key.
    pub key: LeaseKey,
    /// The live worker that holds it, or that the last plan gave it to. A lease without one is an
    /// orphan; giving it away is no move.
    pub holder: Option<WorkerIndex>,
    /// The live worker that holds or held its parent, which decides between equals.
    pub parent_holder: Option<WorkerIndex>,
    /// A live worker whose processor made no progress on it: the lease goes elsewhere while any
    /// other worker can take it.
    pub avoid: Option<WorkerIndex>,
    /// What it weighs, in any unit (bytes a second): `None` if that was not measured yet. Used by
    /// [`Balance::Weighted`] only.
    pub weight: Option<u64>,
    /// How far behind its shard it is: where seats are short, the most lagging goes first, one of
    /// which nothing is known before all.
    pub lag: Option<Duration>,
    /// Whether it may be moved for its weight's sake: its cool-down since the last move is over.
    pub settled: bool,
    /// The rule it follows: index into [`PlacementRules::rules`].
    pub rule: Option<u32>,
    /// Whether the operator has paused it: nobody reads it.
    pub paused: bool,
    /// The live worker that the operator has sent it to for a while: it goes there as by a rule
    /// that prefers that worker, whatever its own rule prefers.
    pub sent_to: Option<WorkerIndex>,
    /// Whether its holder is to let go of it, by the operator's word: somebody else gets it, or if
    /// nobody can, nobody for now. Whoever sets it says in [`Self::avoid`] whose turn it is not.
    pub let_go: bool,
}

impl LeaseView {
    /// An orphan of which nothing is known.
    #[must_use]
    pub const fn new(key: LeaseKey) -> Self {
        Self {
            key,
            holder: None,
            parent_holder: None,
            avoid: None,
            weight: None,
            lag: None,
            settled: true,
            rule: None,
            paused: false,
            sent_to: None,
            let_go: false,
        }
    }
}

/// A live worker.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct WorkerView {
    /// Its id.
    pub id: WorkerId,
    /// The most leases it takes; `None`: as many as there are.
    pub capacity: Option<u32>,
    /// Whether it has lived for so long that leases return to it that prefer it. What nobody holds
    /// goes to it at once.
    pub is_settled: bool,
}

impl WorkerView {
    /// A worker that takes as many leases as there are.
    #[must_use]
    pub const fn new(id: WorkerId) -> Self {
        Self { id, capacity: None, is_settled: true }
    }
}
