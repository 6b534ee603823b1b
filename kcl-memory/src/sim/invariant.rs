//! What an invariant is, and what excuses one.

use std::fmt::Debug;

use super::{fact::Fact, known::Known};

/// What some invariants do not hold after.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Excuse {
    /// Two workers may dispatch one shard at once.
    Overlap,
    /// The store's clock went back: should it also lose writes, epochs may come again.
    OldClock,
    /// Leases are taken away by more than plans: by placement rules, or by who held them before
    /// the store went back.
    Plans,
    /// The store lost who switched streams: for a while two are read.
    Streams,
}

/// Something that must hold in every run.
pub(super) trait Invariant: Debug + Send {
    fn name(&self) -> &'static str;

    /// From when on it does not hold.
    fn until(&self) -> Option<Excuse> {
        None
    }

    /// Checks a fact as it becomes true.
    fn check(&mut self, fact: &Fact<'_>, known: &Known) -> Result<(), String>;
}
