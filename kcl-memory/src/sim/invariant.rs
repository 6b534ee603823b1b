//! What an invariant is, and which events excuse one.
//!
//! An invariant sees only facts, never the code under test. It may keep state of its own. To add
//! one, write a file in `invariants`, and add it there to the list of each kind of run that it is
//! for. A planted bug (`docs/PLANTED.md`) should show that it notices what it is for.

use std::fmt::Debug;

use super::{fact::Fact, known::Known};

/// An event after which some invariants need not hold any more. The oracle then removes them for
/// the rest of the run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Excuse {
    /// Two workers may dispatch one shard at once.
    Overlap,
    /// The store's clock went back. If the store also loses writes, epochs may come again.
    OldClock,
    /// Not only plans move leases from now on: placement rules do, or the owners from before the
    /// store lost its last writes.
    Plans,
    /// The store lost the document that names the application's stream: for a while workers may
    /// read two.
    Streams,
    /// Records that were acknowledged may be delivered again.
    #[cfg(feature = "simulation")]
    Repeats,
}

/// Something that must hold in every run.
pub(super) trait Invariant: Debug + Send {
    /// Its name in violations, in files of findings, and in tests.
    fn name(&self) -> &'static str;

    /// The event after which it is not checked any more. `None`: it is always checked.
    fn until(&self) -> Option<Excuse> {
        None
    }

    /// Checks a fact at the moment when it becomes true; `known` does not contain that fact yet.
    /// The error says to people how the fact breaks the invariant.
    fn check(&mut self, fact: &Fact<'_>, known: &Known) -> Result<(), String>;
}
