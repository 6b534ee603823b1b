//! The limits of how many leases one worker may hold.

use serde::{Deserialize, Serialize};

/// How many leases one worker may hold. Without limits, as many as there are.
///
/// ```
/// use kcl_core::assignment::Limits;
///
/// let mut limits = Limits::default();
/// limits.fair_share = true;
/// assert_eq!(limits.per_worker(20, 3, None), 7);
/// assert_eq!(limits.per_worker(20, 3, Some(5)), 5);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct Limits {
    /// No worker holds more than this (`maxLeasesForWorker` in the Java KCL); `None`: no such
    /// limit.
    pub per_worker: Option<u32>,
    /// No worker holds more than its fair share: ⌈N/P⌉ of N runnable leases among P live workers.
    /// It is rounded up: rounded down, 20 leases among 3 workers would get 18 seats. It counts for
    /// leases that a placement rule requires, too; to pin more to one worker, leave it off.
    pub fair_share: bool,
}

impl Limits {
    /// The limit of one worker, of `workers` workers with `leases` runnable leases. `capacity` is
    /// the worker's own limit; `None`: it has none.
    #[must_use]
    pub fn per_worker(&self, leases: usize, workers: usize, capacity: Option<u32>) -> usize {
        let fixed = [self.per_worker, capacity].into_iter().flatten().map(|limit| limit as usize);
        let share = self.fair_share.then(|| fair_share(leases, workers.max(1)));
        fixed.chain(share).min().unwrap_or(usize::MAX).min(leases)
    }
}

/// The fair share of one worker, rounded up: rounded down, some leases would have no seat.
fn fair_share(leases: usize, workers: usize) -> usize {
    if planted!(ShareRoundedDown) { leases / workers } else { leases.div_ceil(workers) }
}
