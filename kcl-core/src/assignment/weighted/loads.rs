//! The weights of leases, and the loads of workers.

use crate::assignment::{View, draft::Draft, unplaced::Unplaced};

/// A lease that is to be shared out, with its weight.
#[derive(Clone, Copy, Debug)]
pub(super) struct Weighed {
    pub(super) free: Unplaced,
    pub(super) weight: u64,
}

/// The weights of a view's leases. A lease that was not measured weighs the average of the others.
#[derive(Clone, Copy, Debug)]
pub(super) struct Weights {
    /// The average weight of the measured leases.
    usual: u64,
    /// A higher weight counts as this, so that the sum of all fits a `u64`.
    most: u64,
}

impl Weights {
    /// Measures the average, and the bound that keeps sums within a `u64`.
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

    /// The weight of a lease: the measured one, else the average.
    fn weight(&self, view: &View, lease: usize) -> u64 {
        view.leases[lease].weight.unwrap_or(self.usual).min(self.most)
    }
}

/// The load of each worker, in the unit of the weights.
#[derive(Clone, Debug)]
pub(super) struct Loads(Vec<u64>);

impl Loads {
    /// The loads by the leases that have a seat.
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

    /// Seats a lease at a worker, and moves its weight along.
    pub(super) fn seat(&mut self, draft: &mut Draft<'_>, one: &Weighed, worker: usize) {
        if let Some(before) = draft.reseat(one.free.lease(), worker) {
            self.0[before] -= one.weight;
        }
        self.0[worker] += one.weight;
    }
}
