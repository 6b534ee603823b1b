//! A plan in the making.

use super::{Reason, Unassigned, View, WorkerIndex};

/// A plan in the making: seats are given out one by one.
#[derive(Debug)]
pub(super) struct Draft<'a> {
    pub(super) view: &'a View,
    /// The place of each worker in the order of ids: the last word between equals.
    pub(super) rank: Vec<usize>,
    /// The most leases each worker may hold.
    pub(super) limit: Vec<usize>,
    /// How many it holds.
    pub(super) load: Vec<usize>,
    /// Who holds each lease.
    pub(super) seats: Vec<Option<WorkerIndex>>,
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

    pub(super) fn seat(&mut self, lease: usize, worker: usize) {
        self.seats[lease] = Some(WorkerIndex::new(worker));
        self.load[worker] += 1;
    }

    /// Seats a lease elsewhere; returns where it was.
    pub(super) fn reseat(&mut self, lease: usize, worker: usize) -> Option<usize> {
        let before = self.seat_of(lease);
        if let Some(before) = before {
            self.load[before] -= 1;
        }
        self.seat(lease, worker);
        before
    }

    /// Takes a lease back from whoever was to have it.
    pub(super) fn unseat(&mut self, lease: usize, reason: Reason) {
        if let Some(before) = self.seats[lease].take() {
            self.load[before.get()] -= 1;
        }
        self.refuse(lease, reason);
    }

    pub(super) fn refuse(&mut self, lease: usize, reason: Reason) {
        self.unassigned.push(Unassigned { lease, reason });
    }

    /// How many more leases a worker may hold.
    pub(super) fn room(&self, worker: usize) -> usize {
        self.limit[worker].saturating_sub(self.load[worker])
    }

    /// Who gets `lease`, as far as that is decided.
    pub(super) fn seat_of(&self, lease: usize) -> Option<usize> {
        self.seats[lease].map(WorkerIndex::get)
    }

    /// The index, if it names a worker of the view.
    pub(super) fn worker(&self, index: Option<WorkerIndex>) -> Option<usize> {
        index.map(WorkerIndex::get).filter(|worker| *worker < self.load.len())
    }
}

/// Whether workers that are equal otherwise come in the order of their ids, not of the input.
fn ties_go_by_id() -> bool {
    !planted!(TiesByInputOrder)
}
