//! How many leases each worker gets.

use std::cmp::Reverse;

use super::share::Share;
use crate::assignment::free::Free;

/// How many leases each worker gets, pinned ones included: all are filled to one level, as far as
/// each may go. The seats that are left over raise some by one: those that would otherwise have to
/// give up a lease.
pub(super) fn targets(shares: &[Share], free: &[Free]) -> Vec<usize> {
    let total = free.len() + shares.iter().map(|share| share.pinned).sum::<usize>();
    let base = Base::new(shares, level(shares, total), total);
    let natural = base.raised(&base.candidates, base.spare, |worker| {
        usize::from(shares[worker].held() > base.targets[worker])
    });
    let is_scarce = |shy: &Shy| shy.stays(shares, &natural).1;
    match Shy::all(shares, free).into_iter().find(is_scarce) {
        None => natural,
        Some(shy) => base.raised_around(&shy),
    }
}

/// The highest level up to which there are leases for all.
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

/// All workers at one level, and what is left over.
struct Base<'a> {
    shares: &'a [Share],
    targets: Vec<usize>,
    /// The workers that may have one more.
    candidates: Vec<usize>,
    /// How many of them get it.
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

    /// Raises `spare` of the candidates by one: first by what `gain` says is gained by it, then
    /// those that hold the parents of more orphans than they have room for, then the fullest, then
    /// in the order of ids.
    fn raised(
        &self,
        candidates: &[usize],
        spare: usize,
        gain: impl Fn(usize) -> usize,
    ) -> Vec<usize> {
        let order = |worker: &usize| {
            let share = &self.shares[*worker];
            let room = self.targets[*worker].saturating_sub(share.held());
            (Reverse(gain(*worker)), share.kin <= room, Reverse(share.held()), share.rank)
        };
        let mut candidates = candidates.to_vec();
        candidates.sort_by_key(order);
        let mut targets = self.targets.clone();
        for worker in candidates.into_iter().take(spare) {
            targets[worker] += 1;
        }
        targets
    }

    /// Raises the candidates so that most leases stay, where too few leases need not avoid one of
    /// the workers. Tries it with that worker raised and not.
    fn raised_around(&self, shy: &Shy) -> Vec<usize> {
        let others: Vec<usize> =
            self.candidates.iter().copied().filter(|worker| *worker != shy.worker).collect();
        let gain = |worker: usize| shy.gain(&self.shares[worker], worker, self.targets[worker]);
        let is_candidate = others.len() < self.candidates.len();
        let without = (self.spare <= others.len()).then(|| self.raised(&others, self.spare, gain));
        let with = (is_candidate && self.spare > 0).then(|| {
            let mut targets = self.raised(&others, self.spare - 1, gain);
            targets[shy.worker] += 1;
            targets
        });
        let both = without.into_iter().chain(with);
        let best = both.max_by_key(|targets| shy.stays(self.shares, targets).0);
        best.unwrap_or_else(|| self.targets.clone())
    }
}

/// The leases that must avoid one worker.
struct Shy {
    worker: usize,
    /// How many of them each worker holds.
    homes: Vec<usize>,
    /// How many free leases may go to it.
    others: usize,
}

impl Shy {
    /// One for each worker that is avoided, in the order of ids.
    fn all(shares: &[Share], free: &[Free]) -> Vec<Self> {
        let shy = free.iter().filter_map(|one| Some((one.avoid()?, one.home())));
        let mut shy: Vec<(usize, Option<usize>)> = shy.collect();
        shy.sort_by_key(|(worker, _)| shares[*worker].rank);
        let group = |group: &[(usize, Option<usize>)]| {
            let mut homes = vec![0; shares.len()];
            for home in group.iter().filter_map(|(_, home)| *home) {
                homes[home] += 1;
            }
            Self { worker: group[0].0, homes, others: free.len() - shares[group[0].0].shunned }
        };
        shy.chunk_by(|a, b| a.0 == b.0).map(group).collect()
    }

    /// How many leases stay, and whether fewer do because the avoided worker needs them.
    ///
    /// Its target can only be met with leases that may go to it. So of those, no more may stay
    /// elsewhere than it leaves over.
    fn stays(&self, shares: &[Share], targets: &[usize]) -> (usize, bool) {
        let (mut shy, mut others) = (0, 0);
        for (worker, share) in shares.iter().enumerate().filter(|(at, _)| *at != self.worker) {
            let seats = targets[worker] - share.pinned;
            let stay = self.homes[worker].min(seats);
            shy += stay;
            others += (share.homes - self.homes[worker]).min(seats - stay);
        }
        let own = &shares[self.worker];
        let seats = targets[self.worker] - own.pinned;
        let left_over = self.others.saturating_sub(seats);
        (own.homes.min(seats) + shy + others.min(left_over), others > left_over)
    }

    /// What is gained by one seat more for a worker with `target` seats: a lease that must avoid
    /// the scarce worker may stay (2), another may (1), or nothing.
    fn gain(&self, share: &Share, worker: usize, target: usize) -> usize {
        let seats = target - share.pinned;
        match () {
            () if self.homes[worker] > seats => 2,
            () if share.homes > seats => 1,
            () => 0,
        }
    }
}
