//! What leases weigh, and what each worker is loaded with.

use crate::assignment::{View, draft::Draft, unplaced::Unplaced};

/// A lease that is to be shared out, and what it weighs.
#[derive(Clone, Copy, Debug)]
pub(super) struct Weighed {
    pub(super) free: Unplaced,
    pub(super) weight: u64,
}

/// What the leases of a view weigh. What was not measured weighs what the others do on average.
#[derive(Clone, Copy, Debug)]
pub(super) struct Weights {
    usual: u64,
    /// More than this does not count, so that all of them together fit a number.
    most: u64,
}

impl Weights {
    pub(super) fn of(view: &View) -> Self {
        let most = u64::MAX / (view.leases.len() as u64).max(1);
        let measured = view.leases.iter().filter_map(|lease| lease.weight);
        let (sum, count) = measured
            .fold((0, 0), |(sum, count): (u64, u64), weight| (sum + weight.min(most), count + 1));
        Self { usual: sum.checked_div(count).unwrap_or(0), most }
    }

    pub(super) fn weigh(&self, view: &View, free: Unplaced) -> Weighed {
        Weighed { free, weight: self.weight(view, free.lease()) }
    }

    fn weight(&self, view: &View, lease: usize) -> u64 {
        view.leases[lease].weight.unwrap_or(self.usual).min(self.most)
    }
}

/// What each worker is loaded with, in the unit of the weights.
#[derive(Clone, Debug)]
pub(super) struct Loads(Vec<u64>);

impl Loads {
    /// The load of the leases seated so far.
    pub(super) fn of(draft: &Draft<'_>, weights: &Weights) -> Self {
        let mut loads = Self(vec![0; draft.load.len()]);
        for lease in 0..draft.seats.len() {
            if let Some(worker) = draft.seat_of(lease) {
                loads.0[worker] += weights.weight(draft.view, lease);
            }
        }
        loads
    }

    pub(super) fn all(&self) -> &[u64] {
        &self.0
    }

    pub(super) fn get(&self, worker: usize) -> u64 {
        self.0[worker]
    }

    /// Seats a lease, or seats it elsewhere.
    pub(super) fn seat(&mut self, draft: &mut Draft<'_>, one: &Weighed, worker: usize) {
        if let Some(before) = draft.reseat(one.free.lease(), worker) {
            self.0[before] -= one.weight;
        }
        self.0[worker] += one.weight;
    }
}
