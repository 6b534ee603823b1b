//! How many leases one worker may take.

use serde::{Deserialize, Serialize};

/// How many leases one worker may take. Without limits, as many as there are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct Limits {
    /// No worker takes more than this (`maxLeasesForWorker` in the Java KCL).
    pub per_worker: Option<u32>,
    /// No worker takes more than its fair share either: ⌈N/P⌉ of N runnable leases among P live
    /// workers. Rounded up: rounded down, 20 leases among 3 workers would make 18 seats. It bounds
    /// leases that a placement rule requires too; to pin more than a share, leave it off.
    pub fair_share: bool,
}

impl Limits {
    /// The limit of one of `workers` workers that takes at most `capacity` itself, with `leases`
    /// runnable leases.
    #[must_use]
    pub fn per_worker(&self, leases: usize, workers: usize, capacity: Option<u32>) -> usize {
        let fixed = [self.per_worker, capacity].into_iter().flatten().map(|limit| limit as usize);
        let share = self.fair_share.then(|| fair_share(leases, workers.max(1)));
        fixed.chain(share).min().unwrap_or(usize::MAX).min(leases)
    }
}

/// An even share, rounded up: rounded down, some leases would have no seat.
fn fair_share(leases: usize, workers: usize) -> usize {
    if planted!(ShareRoundedDown) { leases / workers } else { leases.div_ceil(workers) }
}
