//! What a simulation showed.

use std::collections::BTreeMap;

use super::Fault;

/// What a simulation showed that did not fail.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Summary {
    /// How many plans were played.
    pub runs: u64,
    /// How many records were put.
    pub records: u64,
    /// In how many runs each fault found something to happen to.
    pub faults: BTreeMap<Fault, u64>,
}
