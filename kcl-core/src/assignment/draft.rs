//! A plan in the making, to which the steps add seats.

use super::{Reason, Unassigned, View, WorkerIndex};

/// A plan in the making: leases get their seats one by one.
#[derive(Debug)]
pub(super) struct Draft<'a> {
    /// The input of the plan.
    pub(super) view: &'a View,
    /// The place of each worker in the order of ids, which decides between equals.
    pub(super) rank: Vec<usize>,
    /// The most leases that each worker may hold.
    pub(super) limit: Vec<usize>,
    /// How many leases each worker has got.
    pub(super) load: Vec<usize>,
    /// The worker of each lease, as far as it is decided.
    pub(super) seats: Vec<Option<WorkerIndex>>,
    /// The leases that no worker may hold.
    pub(super) unassigned: Vec<Unassigned>,
}

impl<'a> Draft<'a> {
    pub(super) fn new(view: &'a View) -> Self {
        let (leases, workers) = (view.leases.len(), view.workers.len());
        let readable = view.readable();
        let mut by_id: Vec<usize> = (0..workers).collect();
        if ties_go_by_id() {
            by_id.sort_by_key(|worker| &view.workers[*worker].id);
        }
        let mut rank = vec![0; workers];
        for (place, worker) in by_id.into_iter().enumerate() {
            rank[worker] = place;
        }
        let capacities = view.workers.iter().map(|worker| worker.capacity);
        let limit = capacities.map(|own| view.limits.per_worker(readable, workers, own)).collect();
        Self {
            view,
            rank,
            limit,
            load: vec![0; workers],
            seats: vec![None; leases],
            unassigned: Vec::new(),
        }
    }

    /// Gives a lease without a seat to a worker.
    pub(super) fn seat(&mut self, lease: usize, worker: usize) {
        self.seats[lease] = Some(WorkerIndex::new(worker));
        self.load[worker] += 1;
    }

    /// Seats a lease at another worker; returns the worker that had it.
    pub(super) fn reseat(&mut self, lease: usize, worker: usize) -> Option<usize> {
        let before = self.seat_of(lease);
        if let Some(before) = before {
            self.load[before] -= 1;
        }
        self.seat(lease, worker);
        before
    }

    /// Takes a lease's seat away, for this reason.
    pub(super) fn unseat(&mut self, lease: usize, reason: Reason) {
        if let Some(before) = self.seats[lease].take() {
            self.load[before.get()] -= 1;
        }
        self.refuse(lease, reason);
    }

    /// Notes that no worker may hold a lease.
    pub(super) fn refuse(&mut self, lease: usize, reason: Reason) {
        self.unassigned.push(Unassigned { lease, reason });
    }

    /// How many more leases a worker may hold.
    pub(super) fn room(&self, worker: usize) -> usize {
        self.limit[worker].saturating_sub(self.load[worker])
    }

    /// The worker of a lease, as far as it is decided.
    pub(super) fn seat_of(&self, lease: usize) -> Option<usize> {
        self.seats[lease].map(WorkerIndex::get)
    }

    /// The index, if the view has such a worker.
    pub(super) fn worker(&self, index: Option<WorkerIndex>) -> Option<usize> {
        index.map(WorkerIndex::get).filter(|worker| *worker < self.load.len())
    }
}

/// Whether equal workers come in the order of their ids, not of the input.
fn ties_go_by_id() -> bool {
    !planted!(TiesByInputOrder)
}
