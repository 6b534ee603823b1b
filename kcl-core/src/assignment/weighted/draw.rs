//! Moves to workers that have too little load, above all to those that have just joined. `relief`
//! does not help these: with a tolerance of a tenth, the eleventh of eleven workers would stay
//! idle, since no other worker is above the bar.

use std::{cmp::Reverse, collections::BinaryHeap};

use super::{
    loads::{Loads, Weighed},
    place,
    relief::Threshold,
};
use crate::assignment::draft::Draft;

/// Fills the workers below the level minus the tolerance with what the workers above the level can
/// spare, the most loaded first.
pub(super) fn draw(
    draft: &mut Draft<'_>,
    loads: &mut Loads,
    free: &[Weighed],
    threshold: Threshold,
) {
    let low = threshold.level.saturating_sub(threshold.tolerance);
    let is_needy = |worker: &usize| loads.get(*worker) < low && draft.room(*worker) > 0;
    let mut needy: Vec<usize> = (0..draft.load.len()).filter(is_needy).collect();
    if needy.is_empty() {
        return;
    }
    needy.sort_by_key(|worker| (loads.get(*worker), draft.rank[*worker]));
    let mut sources = Sources::of(draft, loads, free, threshold);
    for worker in needy {
        sources.fill(draft, loads, worker);
    }
}

/// The workers above the level, and the leases that they can spare.
struct Sources {
    threshold: Threshold,
    /// For each worker, the leases that it can spare.
    leases: Vec<Vec<Weighed>>,
    /// The workers that can spare a lease, by load; equal ones in the order of ids.
    heap: BinaryHeap<(u64, Reverse<usize>, usize)>,
}

impl Sources {
    /// The workers above the level, with the leases that may be moved for their weight.
    fn of(draft: &Draft<'_>, loads: &Loads, free: &[Weighed], threshold: Threshold) -> Self {
        let leases = place::movable(draft, free, |worker| loads.get(worker) > threshold.level);
        let mut sources = Self { threshold, leases, heap: BinaryHeap::new() };
        for worker in 0..sources.leases.len() {
            sources.note(draft, loads, worker);
        }
        sources
    }

    /// Takes note of a worker that can spare leases.
    fn note(&mut self, draft: &Draft<'_>, loads: &Loads, worker: usize) {
        let load = loads.get(worker);
        if load > self.threshold.level && !self.leases[worker].is_empty() {
            self.heap.push((load, Reverse(draft.rank[worker]), worker));
        }
    }

    /// Fills a worker up to half the tolerance below the level. Takes that back, if it would gain
    /// no more than half the tolerance.
    fn fill(&mut self, draft: &mut Draft<'_>, loads: &mut Loads, worker: usize) {
        let half = self.threshold.tolerance / 2;
        let before = loads.get(worker);
        let mut moved: Vec<(Weighed, usize)> = Vec::new();
        let mut useless = Vec::new();
        // The most loaded source gives first, and comes back into the heap with its lower load.
        while loads.get(worker) < self.threshold.level - half && draft.room(worker) > 0 {
            let Some((_, _, source)) = self.heap.pop() else { break };
            match self.take(draft, loads, source, worker) {
                Some(one) => {
                    loads.seat(draft, &one, worker);
                    moved.push((one, source));
                    self.note(draft, loads, source);
                }
                None => useless.push(source),
            }
        }
        // Not worth the moves: every lease goes back to its source.
        if loads.get(worker) - before <= half {
            for (one, source) in moved {
                loads.seat(draft, &one, source);
                self.leases[source].push(one);
                useless.push(source);
            }
        }
        // A source that had nothing for this worker may have something for the next one.
        for source in useless {
            self.note(draft, loads, source);
        }
    }

    /// Takes the heaviest lease that leaves the source at or above the level and the worker at or
    /// below the bar; of equal ones the first in the order of keys.
    fn take(
        &mut self,
        draft: &Draft<'_>,
        loads: &Loads,
        source: usize,
        worker: usize,
    ) -> Option<Weighed> {
        // The source must not fall below the level, nor the worker rise above the bar.
        let excess = loads.get(source).saturating_sub(self.threshold.level);
        let most = excess.min(self.threshold.height() - loads.get(worker));
        let leases = &mut self.leases[source];
        let may_go =
            |(_, one): &(usize, &Weighed)| one.weight <= most && one.free.avoid() != Some(worker);
        let key = |one: &Weighed| &draft.view.leases[one.free.lease()].key;
        let (at, _) =
            leases.iter().enumerate().filter(may_go).max_by(|(_, a), (_, b)| {
                a.weight.cmp(&b.weight).then_with(|| key(b).cmp(key(a)))
            })?;
        Some(leases.swap_remove(at))
    }
}
