//! What must not happen.

use std::fmt;

use kcl_core::stream::ShardId;

use crate::sim::invariants;

/// What was expected and did not hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Broken {
    /// A record is checkpointed and has no effect.
    Skipped,
    /// A record had its effect before one that comes first.
    Misordered,
    /// A record had its effect twice where that was excluded.
    Repeated,
    /// An effect of a former owner came after one of its successor.
    Stale,
    /// A record was never acknowledged, although nothing goes wrong any more.
    Stuck,
    /// An expectation of the test itself.
    Expectation,
    /// Two runs of one plan differ.
    NotRepeatable,
    /// The worker itself did what it must not do: a defect of the library, or of the simulator.
    Library,
    /// No run could be made of the settings.
    Settings,
}

/// A record's place: its shard, and how many records are before it there.
pub(in crate::sim::live) type Place = (ShardId, usize);

/// Something that must not happen has happened.
#[derive(Clone, Debug)]
pub(in crate::sim::live) struct Violation {
    pub(in crate::sim::live) broken: Broken,
    pub(in crate::sim::live) what: String,
    /// The records whose stories explain it.
    pub(in crate::sim::live) about: Vec<Place>,
}

impl Broken {
    /// What it means to whoever wrote the processor that an invariant is broken.
    pub(super) fn by(invariant: &str) -> Self {
        match invariant {
            invariants::IN_ORDER => Self::Misordered,
            invariants::ONCE => Self::Repeated,
            invariants::FRESH => Self::Stale,
            invariants::WRITTEN => Self::Skipped,
            invariants::PROCESSED => Self::Stuck,
            _ => Self::Library,
        }
    }
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Skipped => "a record was skipped",
            Self::Misordered => "records were written out of order",
            Self::Repeated => "a record was written twice",
            Self::Stale => "a former owner wrote after its successor",
            Self::Stuck => "a record was never acknowledged",
            Self::Expectation => "what the test expects does not hold",
            Self::NotRepeatable => "the run cannot be repeated",
            Self::Library => "the worker broke a promise (a defect of kcl: please report it)",
            Self::Settings => "the simulation cannot start",
        })
    }
}
