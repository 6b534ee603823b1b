//! The best possible plan, found by trying all. It shares no code with the planner.

use std::{cmp::Reverse, time::Duration};

use crate::assignment::{
    Plan, View, WorkerIndex,
    placement::{Mode, Uncovered},
};

/// How bad a plan is. The first fields matter most.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Badness {
    /// Leases without a seat.
    unseated: usize,
    /// Which leases: a bit for each, the highest for the one with the first right to a seat.
    who: u64,
    /// Leases that are not at the worker that a rule prefers.
    pub(super) unpreferred: usize,
    /// Leases at a worker they should avoid.
    unavoided: usize,
    /// The sum of the squares of the counts: least when they are most even.
    uneven: usize,
    /// Held leases that change hands.
    pub(super) moves: usize,
}

/// The workers that a lease may and should have.
struct Demand {
    /// Whether it may go to each worker.
    allowed: Vec<bool>,
    prefers: Option<usize>,
    avoids: Option<usize>,
    holder: Option<usize>,
}

pub(super) struct World {
    demands: Vec<Demand>,
    limits: Vec<usize>,
    /// The leases in the order in which they have a right to a seat.
    rights: Vec<usize>,
}

impl World {
    pub(super) fn of(view: &View) -> Self {
        let limit = |own: Option<u32>| {
            let share = view.leases.len().div_ceil(view.workers.len());
            let share = view.limits.fair_share.then_some(share);
            let fixed = [own, view.limits.per_worker].into_iter().flatten();
            fixed.map(|n| n as usize).chain(share).min().unwrap_or(usize::MAX)
        };
        let demands: Vec<Demand> =
            (0..view.leases.len()).map(|lease| demand(view, lease)).collect();
        let mut rights: Vec<usize> = (0..demands.len()).collect();
        rights.sort_by_key(|lease| {
            let (seen, demand) = (&view.leases[*lease], &demands[*lease]);
            let only = required(view, *lease).filter(|only| *only < view.workers.len());
            let elsewhere = only.is_some() && demand.holder != only;
            let lag = Reverse(seen.lag.unwrap_or(Duration::MAX));
            (only.is_none(), elsewhere, demand.holder.is_none(), lag, seen.key.clone())
        });
        Self { demands, limits: view.workers.iter().map(|w| limit(w.capacity)).collect(), rights }
    }

    /// The least badness among all plans.
    pub(super) fn best(&self) -> Badness {
        let mut best = None;
        let mut seats = vec![None; self.demands.len()];
        let mut load = vec![0; self.limits.len()];
        let skip = self.limits.iter().fold(0, |sum: usize, n| sum.saturating_add(*n));
        let may_skip = skip < self.demands.len()
            || self.demands.iter().any(|demand| demand.allowed.iter().any(|allowed| !allowed));
        self.try_all(0, may_skip, &mut seats, &mut load, &mut best);
        best.unwrap()
    }

    fn try_all(
        &self,
        lease: usize,
        may_skip: bool,
        seats: &mut Vec<Option<usize>>,
        load: &mut Vec<usize>,
        best: &mut Option<Badness>,
    ) {
        if lease == seats.len() {
            let badness = self.judge(seats, load);
            if best.as_ref().is_none_or(|best| badness < *best) {
                *best = Some(badness);
            }
            return;
        }
        for worker in 0..load.len() {
            if load[worker] < self.limits[worker] && self.demands[lease].allowed[worker] {
                seats[lease] = Some(worker);
                load[worker] += 1;
                self.try_all(lease + 1, may_skip, seats, load, best);
                load[worker] -= 1;
            }
        }
        if may_skip {
            seats[lease] = None;
            self.try_all(lease + 1, may_skip, seats, load, best);
        }
    }

    /// How bad these seats are.
    fn judge(&self, seats: &[Option<usize>], load: &[usize]) -> Badness {
        let seated = || self.demands.iter().zip(seats).filter(|(_, seat)| seat.is_some());
        let is_unpreferred = |demand: &Demand, seat: Option<usize>| {
            demand.prefers.is_some() && demand.prefers != demand.avoids && demand.prefers != seat
        };
        let bit = |who: u64, lease: &usize| who << 1 | u64::from(seats[*lease].is_none());
        let moved =
            |demand: &Demand, seat: Option<usize>| demand.holder.is_some() && demand.holder != seat;
        Badness {
            unseated: seats.iter().filter(|seat| seat.is_none()).count(),
            who: self.rights.iter().fold(0, bit),
            unpreferred: seated().filter(|(demand, seat)| is_unpreferred(demand, **seat)).count(),
            unavoided: seated().filter(|(demand, seat)| demand.avoids == **seat).count(),
            uneven: load.iter().map(|load| load * load).sum(),
            moves: self
                .demands
                .iter()
                .zip(seats)
                .filter(|(demand, seat)| moved(demand, **seat))
                .count(),
        }
    }

    /// How bad a plan is; fails if it breaks a rule or a limit.
    pub(super) fn judge_plan(&self, plan: &Plan) -> Badness {
        let seats: Vec<_> = plan.seats.iter().map(|seat| seat.map(WorkerIndex::get)).collect();
        let mut load = vec![0; self.limits.len()];
        for (demand, worker) in self.demands.iter().zip(&seats) {
            if let Some(worker) = worker {
                assert!(demand.allowed[*worker], "a lease is where it may not be");
                load[*worker] += 1;
            }
        }
        assert!(load.iter().zip(&self.limits).all(|(load, limit)| load <= limit), "over a limit");
        let badness = self.judge(&seats, &load);
        assert_eq!(badness.moves, plan.moves, "the plan counts its moves wrongly");
        badness
    }
}

fn rule(view: &View, lease: usize) -> Option<(usize, Mode)> {
    let rule = view.rules.rules().get(view.leases[lease].rule? as usize)?;
    let worker = view.workers.iter().position(|worker| worker.id == rule.worker);
    Some((worker.unwrap_or(usize::MAX), rule.mode))
}

fn required(view: &View, lease: usize) -> Option<usize> {
    rule(view, lease).filter(|(_, mode)| *mode == Mode::Require).map(|(worker, _)| worker)
}

fn demand(view: &View, lease: usize) -> Demand {
    let live = |worker: Option<usize>| worker.filter(|worker| *worker < view.workers.len());
    let named = |worker: Option<WorkerIndex>| live(worker.map(WorkerIndex::get));
    let seen = &view.leases[lease];
    let held = rule(view, lease).is_none() && view.rules.uncovered() == Uncovered::Hold;
    let only = required(view, lease);
    let may = |worker: usize| !held && only.is_none_or(|only| only == worker);
    let prefers = rule(view, lease).filter(|(_, mode)| *mode == Mode::Prefer);
    Demand {
        allowed: (0..view.workers.len()).map(may).collect(),
        prefers: live(prefers.map(|(worker, _)| worker)),
        avoids: named(seen.avoid),
        holder: named(seen.holder),
    }
}
