//! What an invariant is, and what excuses one.
//!
//! An invariant sees facts only, never the code under test. It may keep a state of its own. To add
//! one: a file in `invariants`, and a line in the list there that says which runs it is for.

use std::fmt::Debug;

use super::{fact::Fact, known::Known};

/// An event after which some invariants need not hold any more.
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
    /// Records that were acknowledged may be delivered again.
    #[cfg(feature = "simulation")]
    Repeats,
}

/// Something that must hold in every run.
pub(super) trait Invariant: Debug + Send {
    /// What violations, files of findings and tests call it.
    fn name(&self) -> &'static str;

    /// The event after which it is not checked any more; `None`: it always holds.
    fn until(&self) -> Option<Excuse> {
        None
    }

    /// Checks a fact as it becomes true; `known` does not contain it yet. The error says for people
    /// how the fact breaks the invariant.
    fn check(&mut self, fact: &Fact<'_>, known: &Known) -> Result<(), String>;
}
