//! Moves away from overloaded workers.

use std::cmp::Reverse;

use super::{
    loads::{Loads, Weighed},
    place,
    tournament::{Least, MinTournament},
};
use crate::assignment::{Weighting, draft::Draft};

/// When a worker is overloaded.
#[derive(Clone, Copy, Debug)]
pub(super) struct Threshold {
    /// The load of each worker in a perfect split.
    pub(super) level: u64,
    /// A load above the level by at most this is not worth a move.
    pub(super) tolerance: u64,
}

impl Threshold {
    pub(super) fn new(level: u64, weighting: Weighting) -> Self {
        let slack = u128::from(level) * u128::from(weighting.hysteresis_percent) / 100;
        let slack = u64::try_from(slack).unwrap_or(u64::MAX);
        Self { level, tolerance: tolerance(slack, weighting.floor) }
    }

    /// The bar: a worker above it is overloaded.
    pub(super) const fn height(self) -> u64 {
        self.level.saturating_add(self.tolerance)
    }
}

/// Relieves the workers above the bar, the most loaded first.
pub(super) fn relieve(
    draft: &mut Draft<'_>,
    loads: &mut Loads,
    free: &[Weighed],
    threshold: Threshold,
) {
    if loads.all().iter().all(|load| *load <= threshold.height()) {
        return;
    }
    let mut tournament = MinTournament::new(Least::Loaded, draft, loads);
    let mut leases = place::movable(draft, free, |worker| loads.get(worker) > threshold.height());
    let mut donors: Vec<usize> = (0..leases.len()).filter(|at| !leases[*at].is_empty()).collect();
    donors.sort_by_key(|donor| (Reverse(loads.get(*donor)), draft.rank[*donor]));
    for donor in donors {
        place::heaviest_first(draft, &mut leases[donor]);
        let mut relief = Relief {
            draft: &mut *draft,
            loads: &mut *loads,
            tournament: &mut tournament,
            threshold,
            donor,
            before: 0,
            peak: 0,
            moved: Vec::new(),
        };
        relief.run(&leases[donor]);
    }
}

/// The relief of one worker, the donor.
struct Relief<'r, 'a> {
    draft: &'r mut Draft<'a>,
    loads: &'r mut Loads,
    tournament: &'r mut MinTournament,
    threshold: Threshold,
    /// The overloaded worker.
    donor: usize,
    /// The load of the donor at the beginning.
    before: u64,
    /// The highest load of a worker that got a lease.
    peak: u64,
    /// The leases that were moved, and their receivers.
    moved: Vec<(Weighed, usize)>,
}

impl Relief<'_, '_> {
    /// Moves leases away, and takes all of it back if it was not worth it.
    fn run(&mut self, leases: &[Weighed]) {
        self.before = self.loads.get(self.donor);
        loop {
            self.shed_what_fits(leases);
            if self.loads.get(self.donor) <= self.threshold.height() || !self.shed_one_more(leases)
            {
                break;
            }
        }
        // Not worth the moves: every lease goes back to the donor, the last one first.
        if self.gain() <= self.threshold.tolerance {
            while let Some((one, receiver)) = self.moved.pop() {
                self.loads.seat(self.draft, &one, self.donor);
                self.tournament.note(receiver, self.draft, self.loads);
            }
        }
        self.tournament.note(self.donor, self.draft, self.loads);
    }

    /// Moves the heaviest leases that leave the donor at or above the level and the receiver at or
    /// below the bar, until the rest is not worth a move.
    fn shed_what_fits(&mut self, leases: &[Weighed]) {
        for one in leases {
            let excess = self.loads.get(self.donor).saturating_sub(self.threshold.level);
            if excess <= self.threshold.tolerance / 2 && self.gain() > self.threshold.tolerance {
                return;
            }
            let weight = one.weight;
            if weight > excess || self.draft.seat_of(one.free.lease()) != Some(self.donor) {
                continue;
            }
            let Some(receiver) = self.receiver(one) else { continue };
            if self.loads.get(receiver) + weight <= self.threshold.height() {
                self.give(*one, receiver);
            }
        }
    }

    /// Moves the lightest lease that lowers the higher of both loads by more than the tolerance.
    /// Whether there was one.
    fn shed_one_more(&mut self, leases: &[Weighed]) -> bool {
        for one in leases.iter().rev() {
            if self.draft.seat_of(one.free.lease()) != Some(self.donor) {
                continue;
            }
            let Some(receiver) = self.receiver(one) else { continue };
            let weight = one.weight;
            let before = self.loads.get(self.donor);
            let after = (before - weight).max(self.loads.get(receiver) + weight);
            if after.saturating_add(self.threshold.tolerance) < before {
                self.give(*one, receiver);
                return true;
            }
        }
        false
    }

    /// By how much the highest load among donor and receivers is lower than the donor's was.
    fn gain(&self) -> u64 {
        self.before.saturating_sub(self.peak.max(self.loads.get(self.donor)))
    }

    /// The least loaded worker that may get this lease; `None` if every other one is full.
    fn receiver(&mut self, one: &Weighed) -> Option<usize> {
        self.tournament.least([Some(self.donor), one.free.avoid()], self.draft, self.loads)
    }

    /// Moves a lease to the receiver, and remembers that for taking it back.
    fn give(&mut self, one: Weighed, receiver: usize) {
        self.loads.seat(self.draft, &one, receiver);
        self.tournament.note(receiver, self.draft, self.loads);
        self.peak = self.peak.max(self.loads.get(receiver));
        self.moved.push((one, receiver));
    }
}

/// The tolerance: a part of the level, and at least the floor.
fn tolerance(slack: u64, floor: u64) -> u64 {
    if planted!(NoTolerance) { 0 } else { slack.max(floor) }
}
