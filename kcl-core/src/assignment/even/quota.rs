//! The target of each worker: how many leases it should have.

use std::cmp::Reverse;

use super::share::Share;
use crate::assignment::unplaced::Unplaced;

/// The target of each worker, pinned leases included. All workers are filled to one level, as far
/// as each may go. The seats that are left over raise some of them by one: first those that would
/// otherwise have to give a lease away.
pub(super) fn targets(shares: &[Share], free: &[Unplaced]) -> Vec<usize> {
    let total = free.len() + shares.iter().map(|share| share.pinned).sum::<usize>();
    let base = Base::new(shares, level(shares, total), total);
    let natural = base.raised(&base.candidates, base.spare, |worker| {
        usize::from(shares[worker].held() > base.targets[worker])
    });
    let is_scarce = |avoided: &Avoided| avoided.stays(shares, &natural).1;
    match Avoided::all(shares, free).into_iter().find(is_scarce) {
        None => natural,
        Some(avoided) => base.raised_around(&avoided),
    }
}

/// The highest level to which there are enough leases to fill all workers.
fn level(shares: &[Share], total: usize) -> usize {
    let filled = |level: usize| shares.iter().map(|share| share.at(level)).sum::<usize>();
    let (mut enough, mut too_much) = (0, total + 1);
    while enough + 1 < too_much {
        let middle = enough.midpoint(too_much);
        if filled(middle) <= total {
            enough = middle;
        } else {
            too_much = middle;
        }
    }
    enough
}

/// All workers at one level, and the seats that are left over.
struct Base<'a> {
    shares: &'a [Share],
    /// The target of each worker at this level.
    targets: Vec<usize>,
    /// The workers that may have one lease more.
    candidates: Vec<usize>,
    /// How many of them get one more.
    spare: usize,
}

impl<'a> Base<'a> {
    fn new(shares: &'a [Share], level: usize, total: usize) -> Self {
        let targets: Vec<usize> = shares.iter().map(|share| share.at(level)).collect();
        let may_rise = |worker: &usize| shares[*worker].at(level + 1) > targets[*worker];
        let candidates: Vec<usize> = (0..shares.len()).filter(may_rise).collect();
        let spare = total.saturating_sub(targets.iter().sum()).min(candidates.len());
        Self { shares, targets, candidates, spare }
    }

    /// Raises `spare` of the candidates by one: first by the gain, then those that hold the parents
    /// of more orphans than they have seats for, then those with the most leases, then in the order
    /// of ids.
    fn raised(
        &self,
        candidates: &[usize],
        spare: usize,
        gain: impl Fn(usize) -> usize,
    ) -> Vec<usize> {
        let order = |worker: &usize| {
            let share = &self.shares[*worker];
            let room = self.targets[*worker].saturating_sub(share.held());
            (Reverse(gain(*worker)), share.children <= room, Reverse(share.held()), share.rank)
        };
        let mut candidates = candidates.to_vec();
        candidates.sort_by_key(order);
        let mut targets = self.targets.clone();
        for worker in candidates.into_iter().take(spare) {
            targets[worker] += 1;
        }
        targets
    }

    /// Raises the candidates so that the most leases stay, where one worker is avoided by so many
    /// leases that too few are left for it. Tries it with that worker raised and without.
    fn raised_around(&self, avoided: &Avoided) -> Vec<usize> {
        let others: Vec<usize> =
            self.candidates.iter().copied().filter(|worker| *worker != avoided.worker).collect();
        let gain = |worker: usize| avoided.gain(&self.shares[worker], worker, self.targets[worker]);
        let is_candidate = others.len() < self.candidates.len();
        let without = (self.spare <= others.len()).then(|| self.raised(&others, self.spare, gain));
        let with = (is_candidate && self.spare > 0).then(|| {
            let mut targets = self.raised(&others, self.spare - 1, gain);
            targets[avoided.worker] += 1;
            targets
        });
        let both = without.into_iter().chain(with);
        let best = both.max_by_key(|targets| avoided.stays(self.shares, targets).0);
        best.unwrap_or_else(|| self.targets.clone())
    }
}

/// The leases that must avoid one worker.
struct Avoided {
    /// That worker.
    worker: usize,
    /// How many of them each worker holds.
    held: Vec<usize>,
    /// How many free leases may go to that worker.
    welcome: usize,
}

impl Avoided {
    /// An entry for each worker that leases must avoid, in the order of ids.
    fn all(shares: &[Share], free: &[Unplaced]) -> Vec<Self> {
        let avoided = free.iter().filter_map(|one| Some((one.avoid()?, one.home())));
        let mut avoided: Vec<(usize, Option<usize>)> = avoided.collect();
        avoided.sort_by_key(|(worker, _)| shares[*worker].rank);
        let group = |group: &[(usize, Option<usize>)]| {
            let mut held = vec![0; shares.len()];
            for home in group.iter().filter_map(|(_, home)| *home) {
                held[home] += 1;
            }
            let worker = group[0].0;
            Self { worker, held, welcome: free.len() - shares[worker].avoided_by }
        };
        avoided.chunk_by(|a, b| a.0 == b.0).map(group).collect()
    }

    /// How many leases stay by these targets, and whether fewer do because the avoided worker needs
    /// them.
    ///
    /// That worker's target can only be filled with leases that may go to it. So of those, at most
    /// as many may stay elsewhere as it does not need.
    fn stays(&self, shares: &[Share], targets: &[usize]) -> (usize, bool) {
        let (mut avoided, mut others) = (0, 0);
        for (worker, share) in shares.iter().enumerate().filter(|(at, _)| *at != self.worker) {
            let seats = targets[worker] - share.pinned;
            let stay = self.held[worker].min(seats);
            avoided += stay;
            others += (share.holds - self.held[worker]).min(seats - stay);
        }
        let own = &shares[self.worker];
        let seats = targets[self.worker] - own.pinned;
        let left_over = self.welcome.saturating_sub(seats);
        (own.holds.min(seats) + avoided + others.min(left_over), others > left_over)
    }

    /// The gain of one seat more for a worker with `target` seats: 2 if a lease may stay that must
    /// avoid the scarce worker, 1 if another may, else 0.
    fn gain(&self, share: &Share, worker: usize, target: usize) -> usize {
        let seats = target - share.pinned;
        if self.held[worker] > seats { 2 } else { usize::from(share.holds > seats) }
    }
}
