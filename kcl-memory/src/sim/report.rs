//! What a run showed.

use std::collections::BTreeMap;

use kcl_core::env::Time;

/// What a run showed.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Report {
    /// Events handled.
    pub events: u64,
    /// The length of the run.
    pub lasted: Time,
    /// Records processed, each counted once.
    pub processed: u64,
    /// Records processed again.
    pub duplicates: u64,
    /// Changes of a lease to an owner.
    pub acquires: u64,
    /// Store calls, by name.
    pub calls: BTreeMap<&'static str, u64>,
    /// Notices, by kind.
    pub notices: BTreeMap<String, u64>,
    /// Leases per worker at the end.
    pub held: BTreeMap<String, usize>,
    /// A digest of all that happened: equal for equal runs.
    pub digest: u64,
    /// What happened, if a trace was asked for.
    pub trace: Vec<String>,
}
