//! The index by which a view and its plan name a worker.

use std::{fmt, num::NonZeroU32};

/// The index of a worker in [`View::workers`](super::View::workers).
///
/// It takes four bytes with and without `Option`: a view of 100,000 leases holds 300,000 of them.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WorkerIndex(NonZeroU32);

impl WorkerIndex {
    /// The worker at `index`. No view has more than four billion workers: a larger index names none
    /// of them.
    #[must_use]
    pub fn new(index: usize) -> Self {
        let index = u32::try_from(index).unwrap_or(u32::MAX);
        Self(NonZeroU32::MIN.saturating_add(index))
    }

    /// The index, from 0.
    #[must_use]
    pub const fn get(self) -> usize {
        self.0.get() as usize - 1
    }
}

impl fmt::Debug for WorkerIndex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.get())
    }
}
