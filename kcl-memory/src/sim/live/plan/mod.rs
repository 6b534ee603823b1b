//! A run, as data: what it takes to make the same run again.

mod draw;
mod fault;
mod invalid;
mod shrink;
mod text;

use std::time::Duration;

pub(super) use draw::Scale;
pub use fault::Fault;
pub(super) use fault::Target;
pub use invalid::InvalidPlan;
pub(super) use shrink::shrink;

/// A run, as data: the same plan gives the same run. Read and written as text:
///
/// ```
/// use kcl_memory::sim::Plan;
///
/// let plan: Plan = "
///     seed 17          # fixes every draw: latencies, errors, clocks
///     workers 2
///     shards 1
///     records 30
///     latency 10ms     # of each way of a call, at most
///     wake-ups pushed  # or polled
///     at 3140ms crash w1
///     at 4s     start w1
///     at 5s     pause w0 8s
/// ".parse()?;
/// assert_eq!(plan, plan.to_string().parse()?);
/// # Ok::<(), kcl_memory::sim::InvalidPlan>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Plan {
    /// Fixes every draw of the run.
    pub seed: u64,
    /// Workers that start at the beginning: `w0`, `w1`, …
    pub workers: usize,
    /// Shards the stream starts with.
    pub shards: u32,
    /// Records that are put.
    pub records: u64,
    /// Each way of a call takes up to this long.
    pub latency: Duration,
    /// Whether the store pushes wake-ups, or they are polled.
    pub pushes: bool,
    /// What happens, in the order of time.
    pub steps: Vec<Step>,
}

/// Something that happens at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Step {
    /// When, from the start of the run. Most of what interrupts a worker waits up to two seconds
    /// more, until the worker is in the midst of a write.
    pub at: Duration,
    /// What.
    pub fault: Fault,
    /// To which worker, or to which of the open shards (counted round), if to any.
    pub on: usize,
    /// For how long, if it is not over at once.
    pub lasts: Duration,
}

impl Plan {
    /// A run in which nothing goes wrong.
    pub(super) const fn calm(seed: u64) -> Self {
        Self {
            seed,
            workers: 3,
            shards: 8,
            records: 400,
            latency: Duration::from_millis(10),
            pushes: true,
            steps: Vec::new(),
        }
    }

    /// How long records are put for.
    pub(super) fn production(&self) -> Duration {
        let last = self.steps.last().map_or(Duration::ZERO, |step| step.at);
        Duration::from_secs(10).max(last + Duration::from_secs(2))
    }

    /// Whether a fleet gets through without delivering a record twice.
    pub(super) fn is_planned(&self) -> bool {
        self.steps.iter().all(|step| step.fault.is_planned())
    }
}
