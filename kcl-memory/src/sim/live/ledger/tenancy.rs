//! What a lease holder is to be given.

/// One process's hold on one shard under one epoch.
#[derive(Debug)]
pub(super) struct Tenancy {
    /// The record it has to be given next.
    pub(super) next: usize,
    /// It started at the oldest record there was, whatever that would be.
    pub(super) at_horizon: bool,
    /// The processor was made anew: all since its last checkpoint comes again.
    pub(super) rewound: bool,
}
