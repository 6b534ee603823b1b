//! Gives the leases that need a worker to the workers below their targets.

use crate::assignment::{draft::Draft, order, unplaced::Unplaced};

/// Seats `movers`, which are in the order of keys, so that every worker reaches its target.
pub(super) fn fill(
    draft: &mut Draft<'_>,
    free: &[Unplaced],
    movers: &[Unplaced],
    targets: &[usize],
) {
    let rest = join_parents(draft, movers, targets);
    let mut seats = Seats::open(draft, targets);
    // Leases that must avoid a worker choose first.
    let (avoiding, others): (Vec<Unplaced>, Vec<Unplaced>) =
        rest.iter().partition(|one| one.avoid().is_some());
    let mut stranded = Vec::new();
    for one in avoiding.into_iter().chain(others) {
        match seats.take(one.avoid()) {
            Some(worker) => draft.seat(one.lease(), worker),
            None => stranded.push(one),
        }
    }
    if let Some(worker) = seats.left() {
        Swap::new(draft, worker, movers, free).place(&stranded);
    }
}

/// Seats movers at the holder of their parent, if it is below its target; returns the others.
fn join_parents(draft: &mut Draft<'_>, movers: &[Unplaced], targets: &[usize]) -> Vec<Unplaced> {
    let mut rest = Vec::with_capacity(movers.len());
    for one in movers {
        match one.parent_holder().filter(|parent| draft.load[*parent] < targets[*parent]) {
            Some(parent) => {
                sometimes!(JoinedParent);
                draft.seat(one.lease(), parent);
            }
            None => rest.push(*one),
        }
    }
    rest
}

/// The open seats. Those of the workers with the fewest leases come first, and one of each worker
/// at a time. So neighbours in the order of keys, like the shards of one stream, are spread over
/// all workers.
struct Seats {
    /// The worker of each open seat, in this order.
    workers: Vec<usize>,
    /// How many of the seats are taken.
    taken: usize,
}

impl Seats {
    /// The seats that are open: for each worker those between what it has got and its target.
    fn open(draft: &Draft<'_>, targets: &[usize]) -> Self {
        let mut by_rank: Vec<usize> = (0..targets.len()).collect();
        by_rank.sort_unstable_by_key(|worker| draft.rank[*worker]);
        let seats = || {
            let levels = |worker: usize| draft.load[worker]..targets[worker];
            by_rank.iter().flat_map(move |worker| levels(*worker).map(|level| (level, *worker)))
        };
        // Sorted by counting: the seats of a level begin behind all seats of lower levels.
        let mut begin = vec![0; targets.iter().max().map_or(1, |max| max + 1)];
        for (level, _) in seats() {
            begin[level + 1] += 1;
        }
        for level in 1..begin.len() {
            begin[level] += begin[level - 1];
        }
        let mut workers = vec![0; begin.last().copied().unwrap_or(0)];
        for (level, worker) in seats() {
            workers[begin[level]] = worker;
            begin[level] += 1;
        }
        Self { workers, taken: 0 }
    }

    /// Takes the next seat that is not at the worker `avoid`.
    fn take(&mut self, avoid: Option<usize>) -> Option<usize> {
        let open = &self.workers[self.taken..];
        let at = open.iter().position(|worker| Some(*worker) != avoid)?;
        self.workers.swap(self.taken, self.taken + at);
        self.taken += 1;
        self.workers.get(self.taken - 1).copied()
    }

    /// The worker of the seats that are left, if there are any. All of them are then at one worker,
    /// and every lease that found no seat must avoid that worker: else it would have taken one.
    fn left(&self) -> Option<usize> {
        self.workers.get(self.taken).copied()
    }
}

/// Seats the leases that must avoid the only worker with seats left: other leases go to that
/// worker, and free seats elsewhere. It chooses those whose move costs the least.
struct Swap<'d, 'a, 'f> {
    draft: &'d mut Draft<'a>,
    /// The only worker with seats left.
    worker: usize,
    /// The leases that did not stay, in the order of keys.
    movers: &'f [Unplaced],
    /// For each worker, the leases that stay at it and could go to `worker`.
    stays: Vec<Stays>,
}

/// Leases that stay where they are; sorted when they are first needed.
#[derive(Clone, Default)]
struct Stays {
    leases: Vec<usize>,
    is_sorted: bool,
}

impl<'d, 'a, 'f> Swap<'d, 'a, 'f> {
    fn new(
        draft: &'d mut Draft<'a>,
        worker: usize,
        movers: &'f [Unplaced],
        free: &[Unplaced],
    ) -> Self {
        let mut stays = vec![Stays::default(); draft.load.len()];
        for one in free.iter().filter(|one| one.avoid() != Some(worker)) {
            let seat = draft.seat_of(one.lease());
            if let Some(home) = one.home().filter(|home| seat == Some(*home) && *home != worker) {
                stays[home].leases.push(one.lease());
            }
        }
        Self { draft, worker, movers, stays }
    }

    /// Seats the stranded leases, each by the cheapest way: it stays at home; a mover gives its
    /// seat; a seated mover and its home are exchanged; any other lease moves.
    fn place(&mut self, stranded: &[Unplaced]) {
        let worker = self.worker;
        let stranded: Vec<&Unplaced> =
            stranded.iter().filter(|one| !self.stay_after_all(one)).collect();
        let mut others = self.movers.iter().filter(|other| other.avoid() != Some(worker));
        for one in stranded {
            let seat = others.find_map(|other| self.send(other.lease()));
            let seat = seat.or_else(|| self.exchange()).or_else(|| self.send_any());
            // Where every other worker is full, the wrong worker is better than none.
            self.draft.seat(one.lease(), seat.unwrap_or(worker));
        }
    }

    /// Lets a stranded lease stay at its home, and sends another lease from there to the worker:
    /// that costs no move more.
    fn stay_after_all(&mut self, one: &Unplaced) -> bool {
        let Some(home) = one.home() else { return false };
        let Some(other) = self.pop(home) else { return false };
        self.send(other);
        self.draft.reseat(one.lease(), home);
        true
    }

    /// Sends a lease to the worker; returns the seat that it leaves, if it had one elsewhere.
    fn send(&mut self, lease: usize) -> Option<usize> {
        self.draft.seat_of(lease).filter(|seat| *seat != self.worker)?;
        self.draft.reseat(lease, self.worker)
    }

    /// As `stay_after_all`, for a mover that has got a seat elsewhere; returns that seat.
    fn exchange(&mut self) -> Option<usize> {
        let is_elsewhere = |one: &&Unplaced| {
            let seat = self.draft.seat_of(one.lease());
            seat != one.home() && seat.is_some_and(|seat| seat != self.worker)
        };
        let has_other =
            |one: &&Unplaced| one.home().is_some_and(|home| !self.stays[home].leases.is_empty());
        let one = *self.movers.iter().filter(is_elsewhere).find(has_other)?;
        let freed = self.draft.seat_of(one.lease())?;
        self.stay_after_all(&one).then_some(freed)
    }

    /// Sends a lease to the worker that could have stayed: one move more.
    fn send_any(&mut self) -> Option<usize> {
        let has_some = |home: &usize| !self.stays[*home].leases.is_empty();
        let homes = (0..self.stays.len()).filter(has_some);
        let home = homes.min_by_key(|home| self.draft.rank[*home])?;
        let other = self.pop(home)?;
        self.send(other)
    }

    /// Takes the first lease, in the order of keys, of those that stay at `home`.
    fn pop(&mut self, home: usize) -> Option<usize> {
        let stays = &mut self.stays[home];
        if !stays.is_sorted {
            order::by_key(self.draft.view, &mut stays.leases, |lease| *lease);
            stays.leases.reverse();
            stays.is_sorted = true;
        }
        stays.leases.pop()
    }
}
