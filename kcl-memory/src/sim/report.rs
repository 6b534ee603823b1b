//! The report of a run: counts, a digest, and on request a trace and a timeline.

use std::{collections::BTreeMap, time::Duration};

use kcl_core::{coordinator::Notice, env::Time};

use super::Timeline;

/// The counts of a run, up to its end or to the violation that ended it.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Report {
    /// How many simulated events were handled.
    pub events: u64,
    /// How long the run was, in simulated time.
    pub lasted: Time,
    /// How long workers were up, summed over all of them.
    pub worker_time: Duration,
    /// Records processed, each counted once.
    pub processed: u64,
    /// How many records were processed a second time or more often.
    pub duplicates: u64,
    /// How often a lease of a shard got a new owner or epoch.
    pub acquires: u64,
    /// How many faults took effect, by kind: steps of the script, and what happened to single
    /// calls, such as `request-lost`.
    pub faults: BTreeMap<&'static str, u64>,
    /// How many calls workers made to the store, by name.
    pub calls: BTreeMap<&'static str, u64>,
    /// How many notices the coordinators gave, by kind.
    pub notices: BTreeMap<&'static str, u64>,
    /// How many leases each worker held that was up at the end.
    pub held: BTreeMap<String, usize>,
    /// A digest of all that happened: equal for equal runs. Only for comparison, since it may
    /// change with each version.
    pub digest: u64,
    /// A line for each thing that happened; empty unless the world is
    /// [`traced`](super::World::traced).
    pub trace: Vec<String>,
    /// The recording; `None` unless the world is [`recorded`](super::World::recorded).
    pub timeline: Option<Timeline>,
}

impl Report {
    /// Counts a call to the store.
    pub(super) fn count_call(&mut self, name: &'static str) {
        *self.calls.entry(name).or_default() += 1;
    }
}

/// The name of a notice's kind.
pub(super) const fn kind_of(notice: &Notice) -> &'static str {
    match notice {
        Notice::Registered(_) => "Registered",
        Notice::Gained(..) => "Gained",
        Notice::Lost(..) => "Lost",
        Notice::Ended(..) => "Ended",
        Notice::Fenced(..) => "Fenced",
        Notice::Lapsed => "Lapsed",
        Notice::Revived(_) => "Revived",
        Notice::FencedOther(_) => "FencedOther",
        Notice::DuplicateWorkerId(_) => "DuplicateWorkerId",
        Notice::Planning(_) => "Planning",
        Notice::StoppedPlanning(_) => "StoppedPlanning",
        Notice::Planned { .. } => "Planned",
        Notice::Forced { .. } => "Forced",
        Notice::StreamTrouble(_) => "StreamTrouble",
        Notice::StreamRemade => "StreamRemade",
        Notice::StoreWentBack => "StoreWentBack",
        Notice::Hole(_) => "Hole",
        Notice::Lineage(_) => "Lineage",
        Notice::BadRules(_) => "BadRules",
        Notice::InheritanceFull(_) => "InheritanceFull",
        Notice::Stalled(..) => "Stalled",
        Notice::Conflict(..) => "Conflict",
        Notice::StartDiffers { .. } => "StartDiffers",
        Notice::StreamDiffers { .. } => "StreamDiffers",
        Notice::NotOfMyStream(_) => "NotOfMyStream",
        Notice::Closed(_) => "Closed",
        Notice::Reopened => "Reopened",
        Notice::Unreadable(..) => "Unreadable",
        _ => "Other",
    }
}
