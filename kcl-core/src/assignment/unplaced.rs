//! The leases that are still to be shared out, after `claims`.

use super::{WorkerIndex, draft::Draft};

/// A lease that is to be shared out, with the facts that decide its worker.
#[derive(Clone, Copy, Debug)]
pub(super) struct Unplaced {
    lease: u32,
    /// The worker that holds it and may keep it; `None` for an orphan, or if it must avoid its
    /// holder.
    home: Option<WorkerIndex>,
    /// The live worker that must not get it.
    avoid: Option<WorkerIndex>,
    /// The live worker that holds or held its parent.
    parent_holder: Option<WorkerIndex>,
}

impl Unplaced {
    pub(super) fn new(draft: &Draft<'_>, lease: usize) -> Self {
        let seen = &draft.view.leases[lease];
        let live = |worker: &WorkerIndex| draft.worker(Some(*worker)).is_some();
        let avoid = seen.avoid.filter(live);
        let may_get = |worker: &WorkerIndex| live(worker) && avoid != Some(*worker);
        Self {
            // A view with more leases than this would not fit any machine.
            lease: u32::try_from(lease).unwrap_or(u32::MAX),
            home: seen.holder.filter(may_get).filter(|_| holders_are_preferred()),
            avoid: avoid.filter(|_| some_are_avoided()),
            parent_holder: seen
                .parent_holder
                .filter(may_get)
                .filter(|_| parents_holders_are_preferred()),
        }
    }

    /// The index of the lease in the view.
    pub(super) const fn lease(&self) -> usize {
        self.lease as usize
    }

    /// The worker that holds it and may keep it.
    pub(super) fn home(&self) -> Option<usize> {
        self.home.map(WorkerIndex::get)
    }

    /// The worker that must not get it.
    pub(super) fn avoid(&self) -> Option<usize> {
        self.avoid.map(WorkerIndex::get)
    }

    /// The worker that holds or held its parent, and may get it.
    pub(super) fn parent_holder(&self) -> Option<usize> {
        self.parent_holder.map(WorkerIndex::get)
    }

    /// Lets the lease stay at `worker`, although it should avoid that worker.
    pub(super) fn stay_at(&mut self, worker: usize) {
        self.home = Some(WorkerIndex::new(worker));
        self.avoid = None;
    }
}

/// Whether a lease stays with its holder, if no rule or limit forbids it.
fn holders_are_preferred() -> bool {
    !planted!(OwnerNotPreferred)
}

/// Whether a lease avoids the worker at which it made no progress.
fn some_are_avoided() -> bool {
    !planted!(AvoidIgnored)
}

/// Whether a child goes to the holder of its parent, if that costs nothing.
fn parents_holders_are_preferred() -> bool {
    !planted!(ParentHolderNotPreferred)
}
