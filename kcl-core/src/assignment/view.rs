//! The input of a plan: leases, workers, limits, rules.

use std::{collections::BTreeSet, time::Duration};

use super::{Balance, Limits, WorkerIndex, placement::PlacementRules};
use crate::lease::{LeaseKey, WorkerId};

/// The input of a plan.
///
/// Leases name workers and rules by index. An index that the view does not have counts as `None`.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct View {
    /// The runnable leases. A lease whose parents have not ended, or whose shard has ended, is not
    /// among them: it takes no seat.
    pub leases: Vec<LeaseView>,
    /// The live workers that do not leave and are not drained, each once.
    pub workers: Vec<WorkerView>,
    /// How many leases one worker may hold.
    pub limits: Limits,
    /// Which leases must or should go to which worker.
    pub rules: PlacementRules,
    /// How the other leases are shared out.
    pub balance: Balance,
    /// Whether the fleet is frozen: then no held lease moves, as under [`Balance::Keep`], whatever
    /// `balance` says.
    pub frozen: bool,
    /// The live workers that the operator has drained: they get no lease. None of them is in
    /// [`Self::workers`], so the leases that they hold count as orphans.
    pub drained: BTreeSet<WorkerId>,
}

impl View {
    /// A view of these leases and workers, without limits and rules, to be shared out evenly.
    #[must_use]
    pub fn new(leases: Vec<LeaseView>, workers: Vec<WorkerView>) -> Self {
        Self { leases, workers, ..Self::default() }
    }

    /// Whether no lease of a live worker moves, unless the operator moves it.
    pub(super) fn keeps(&self) -> bool {
        self.frozen || self.balance == Balance::Keep
    }

    /// How many leases are not paused.
    pub(super) fn readable(&self) -> usize {
        self.leases.iter().filter(|lease| !lease.paused).count()
    }
}

/// A runnable lease.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct LeaseView {
    /// The lease key.
    pub key: LeaseKey,
    /// The live worker that holds the lease, or that the last plan gave it to. A lease without one
    /// is an orphan; to give an orphan to a worker is no move.
    pub holder: Option<WorkerIndex>,
    /// The live worker that holds or held its parent. It decides between equal workers.
    pub parent_holder: Option<WorkerIndex>,
    /// A live worker whose processor made no progress with the lease, or that should release it.
    /// Another worker gets the lease, if any can.
    pub avoid: Option<WorkerIndex>,
    /// The weight, in the same unit for all leases (bytes a second); `None` if it was not measured:
    /// then the average of the others counts. [`Balance::Weighted`] alone uses it.
    pub weight: Option<u64>,
    /// How far it is behind its shard; `None` if that is not known. If there are too few seats, the
    /// greatest lag goes first; an unknown lag counts as the greatest.
    pub lag: Option<Duration>,
    /// Whether the lease may be moved for its weight: its cool-down since the last such move is
    /// over.
    pub settled: bool,
    /// The rule that it follows: an index into [`PlacementRules::rules`].
    pub rule: Option<u32>,
    /// Whether the operator has paused it: no worker gets it.
    pub paused: bool,
    /// The live worker that the operator has sent it to for a while. The lease prefers that worker,
    /// whatever its own rule prefers.
    pub sent_to: Option<WorkerIndex>,
    /// Whether the operator wants its holder to release it. Another worker gets it; if none can,
    /// none gets it for now. The view names that holder in [`Self::avoid`].
    pub let_go: bool,
}

impl LeaseView {
    /// An orphan of which only the key is known.
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
    /// The worker's id.
    pub id: WorkerId,
    /// The most leases that it takes, by its own setting; `None`: as many as there are.
    pub capacity: Option<u32>,
    /// Whether it has lived for so long that leases which prefer it return to it. A lease without
    /// an owner goes to it at once.
    pub is_settled: bool,
}

impl WorkerView {
    /// A worker that takes as many leases as there are, and has lived long enough.
    #[must_use]
    pub const fn new(id: WorkerId) -> Self {
        Self { id, capacity: None, is_settled: true }
    }
}
