//! Decides which leases get a seat at all, and fixes the seats by placement rules and marks.

use std::collections::BTreeMap;

use super::{
    Reason,
    draft::Draft,
    order,
    placement::{Mode, Rule, Uncovered},
    unplaced::Unplaced,
};

/// Seats the leases that rules place, refuses those that cannot get a seat, and returns the others:
/// the workers have a seat for each of them.
///
/// If there are too few seats, leases are seated in this order: first required ones, since no other
/// worker may have them; then held ones, since to read one shard instead of another gains nothing;
/// then those with the greatest lag.
pub(super) fn settle(draft: &mut Draft<'_>) -> Vec<Unplaced> {
    let rules = Rules::of(draft);
    let leases = without_paused(draft);
    let leases = keep_held(draft, leases);
    // The usual case: no rule and no mark, so the limits alone decide.
    if rules.say_nothing() && !draft.view.leases.iter().any(|lease| lease.sent_to.is_some()) {
        let seated = within_room(draft, leases);
        return seated.into_iter().map(|lease| Unplaced::new(draft, lease)).collect();
    }
    let mut required = Vec::new();
    let mut open = Vec::with_capacity(leases.len());
    for lease in leases {
        match rules.standing(draft, lease) {
            Standing::Open => open.push(lease),
            Standing::Required(worker) => required.push(Claim { worker, lease }),
            Standing::Refused(reason) => draft.refuse(lease, reason),
        }
    }
    // Required leases at their own worker come first, then those that another worker holds, then
    // orphans.
    let first = |draft: &Draft<'_>, claim: &Claim| {
        let holder = draft.worker(draft.view.leases[claim.lease].holder);
        (holder != Some(claim.worker), holder.is_none())
    };
    for Claim { worker, lease } in grant(draft, required, first) {
        let worker = draft.view.workers[worker].id.clone();
        draft.refuse(lease, Reason::RequiredWorkerFull { worker });
    }
    let seated = within_room(draft, open);
    prefer(draft, &rules, seated)
}

/// Refuses the paused leases; returns the others.
fn without_paused(draft: &mut Draft<'_>) -> Vec<usize> {
    let all = 0..draft.seats.len();
    let is_read = |lease: &usize| {
        let paused = draft.view.leases[*lease].paused && pauses_count();
        if paused {
            draft.refuse(*lease, Reason::Paused);
        }
        !paused
    };
    all.filter(is_read).collect()
}

/// If no held lease may move, seats these at their holders. Returns the leases that have no seat
/// yet.
fn keep_held(draft: &mut Draft<'_>, mut leases: Vec<usize>) -> Vec<usize> {
    if !draft.view.keeps() || !held_leases_are_kept() {
        return leases;
    }
    leases.retain(|lease| match draft.worker(draft.view.leases[*lease].holder) {
        Some(holder) if draft.view.frozen || !is_moved_by_hand(draft, *lease, holder) => {
            draft.seat(*lease, holder);
            false
        }
        _ => true,
    });
    leases
}

/// Whether the operator moves this lease by a mark: under `balance: keep` leases move in no other
/// way.
fn is_moved_by_hand(draft: &Draft<'_>, lease: usize, holder: usize) -> bool {
    let seen = &draft.view.leases[lease];
    seen.let_go || draft.worker(seen.sent_to).is_some_and(|to| to != holder)
}

/// Refuses the leases for which the workers have no seats: orphans before held ones, and those with
/// the least lag first.
fn within_room(draft: &mut Draft<'_>, mut open: Vec<usize>) -> Vec<usize> {
    let workers = 0..draft.load.len();
    let room = workers.map(|worker| draft.room(worker)).fold(0, usize::saturating_add);
    if open.len() > room {
        let view = draft.view;
        open.sort_by(|a, b| {
            let is_orphan = |lease: usize| draft.worker(view.leases[lease].holder).is_none();
            let by_lag = || order::most_lagging_first(view, *a, *b);
            is_orphan(*a).cmp(&is_orphan(*b)).then_with(by_lag)
        });
        let reason = match (draft.load.is_empty(), view.drained.is_empty()) {
            (true, true) => Reason::NoWorker,
            (true, false) => Reason::AllDrained,
            (false, _) => Reason::LimitReached,
        };
        for lease in open.split_off(room) {
            draft.refuse(lease, reason.clone());
        }
    }
    open
}

/// Seats leases at the live worker that they prefer, while it has seats; returns the others.
fn prefer(draft: &mut Draft<'_>, rules: &Rules<'_>, open: Vec<usize>) -> Vec<Unplaced> {
    let mut claims = Vec::new();
    let mut free = Vec::with_capacity(open.len());
    for lease in open {
        match rules.preferred(draft, lease) {
            Some(worker) => {
                let worker = keeper_until_return(draft, lease, worker).unwrap_or(worker);
                claims.push(Claim { worker, lease });
            }
            None => free.push(Unplaced::new(draft, lease)),
        }
    }
    // A lease that is held elsewhere comes after one without an owner, which nobody reads.
    let first = |draft: &Draft<'_>, claim: &Claim| {
        let holder = draft.worker(draft.view.leases[claim.lease].holder);
        (holder != Some(claim.worker), holder.is_some())
    };
    let rest = grant(draft, claims, first);
    free.extend(rest.into_iter().map(|claim| Unplaced::new(draft, claim.lease)));
    free
}

/// The holder that keeps a lease for now, since the preferred worker has not lived long enough.
/// Else a worker that restarts again and again would draw its leases back and forth.
fn keeper_until_return(draft: &Draft<'_>, lease: usize, preferred: usize) -> Option<usize> {
    let view = draft.view;
    let seen = &view.leases[lease];
    let holder = draft.worker(seen.holder).filter(|holder| *holder != preferred)?;
    let stays = draft.worker(seen.avoid) != Some(holder);
    (stays && !view.workers[preferred].is_settled && returns_wait()).then_some(holder)
}

/// A lease that should be seated at this worker.
struct Claim {
    worker: usize,
    lease: usize,
}

/// Seats claims while their workers have seats: in the order of `first`, then the greatest lag
/// first. Returns the others.
fn grant<K: Ord>(
    draft: &mut Draft<'_>,
    mut claims: Vec<Claim>,
    first: impl Fn(&Draft<'_>, &Claim) -> K,
) -> Vec<Claim> {
    let by_lag = |a: &Claim, b: &Claim| order::most_lagging_first(draft.view, a.lease, b.lease);
    claims.sort_by(|a, b| first(draft, a).cmp(&first(draft, b)).then_with(|| by_lag(a, b)));
    let mut rest = Vec::new();
    for claim in claims {
        if draft.room(claim.worker) > 0 {
            draft.seat(claim.lease, claim.worker);
        } else {
            rest.push(claim);
        }
    }
    rest
}

/// The rules of a view, each with the index of its worker if that is live.
struct Rules<'a> {
    /// Each rule, in the order of the view, with the index of its worker if that is live.
    rules: Vec<(&'a Rule, Option<usize>)>,
    /// The policy for leases that no rule covers.
    uncovered: Uncovered,
}

/// The effect of the rules on one lease.
enum Standing {
    /// No rule requires a worker.
    Open,
    /// A rule requires this live worker.
    Required(usize),
    /// The lease gets no seat.
    Refused(Reason),
}

impl<'a> Rules<'a> {
    fn of(draft: &Draft<'a>) -> Self {
        let view = draft.view;
        let workers = view.workers.iter().enumerate();
        let by_id: BTreeMap<_, _> = workers.map(|(at, worker)| (&worker.id, at)).collect();
        let with_worker = |rule: &'a Rule| (rule, by_id.get(&rule.worker).copied());
        let rules = view.rules.rules().iter().map(with_worker).collect();
        Self { rules, uncovered: view.rules.uncovered() }
    }

    /// Whether no rule decides anything, so that nothing has to be looked up.
    fn say_nothing(&self) -> bool {
        self.rules.is_empty() && self.uncovered == Uncovered::Balance
    }

    /// The rule of a lease, with the index of its worker if that is live.
    fn rule(&self, draft: &Draft<'_>, lease: usize) -> Option<(&'a Rule, Option<usize>)> {
        self.rules.get(draft.view.leases[lease].rule? as usize).copied()
    }

    /// The effect of the rules on a lease. A drained worker is not among the view's workers, so a
    /// rule that requires it refuses the lease like one that requires an absent worker.
    fn standing(&self, draft: &Draft<'_>, lease: usize) -> Standing {
        match self.rule(draft, lease) {
            None if self.uncovered == Uncovered::Hold => Standing::Refused(Reason::HeldBack),
            Some((Rule { mode: Mode::Require, worker, .. }, live)) => match live {
                Some(worker) => Standing::Required(worker),
                None if !is_waited_for() => Standing::Open,
                None if draft.view.drained.contains(worker) => {
                    let worker = worker.clone();
                    Standing::Refused(Reason::RequiredWorkerDrained { worker })
                }
                None => {
                    let worker = worker.clone();
                    Standing::Refused(Reason::RequiredWorkerAbsent { worker })
                }
            },
            _ => Standing::Open,
        }
    }

    /// The live worker that a lease prefers: the one that the operator sent it to, else that of its
    /// rule; never the worker that it should avoid.
    fn preferred(&self, draft: &Draft<'_>, lease: usize) -> Option<usize> {
        let sent_to = draft.worker(draft.view.leases[lease].sent_to);
        let by_rule = || self.rule(draft, lease).and_then(|(_, worker)| worker);
        let worker = sent_to.or_else(by_rule);
        worker.filter(|worker| draft.worker(draft.view.leases[lease].avoid) != Some(*worker))
    }
}

/// Whether a lease waits for the worker that a rule requires.
fn is_waited_for() -> bool {
    !planted!(RequireFailsOver)
}

/// Whether paused leases get no seat.
fn pauses_count() -> bool {
    !planted!(PausedIsPlanned)
}

/// Whether held leases keep their holders, where the view says so.
fn held_leases_are_kept() -> bool {
    !planted!(FrozenFleetMoves)
}

/// Whether a lease returns to the worker that it prefers only once that worker has lived for a
/// while.
fn returns_wait() -> bool {
    !planted!(ReturnsAtOnce)
}
