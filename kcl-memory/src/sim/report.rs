//! What a run showed.

use std::{collections::BTreeMap, time::Duration};

use kcl_core::{coordinator::Notice, env::Time};

use super::Timeline;

/// What a run showed.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Report {
    /// Events handled.
    pub events: u64,
    /// The length of the run.
    pub lasted: Time,
    /// How long workers were up, all together.
    pub worker_time: Duration,
    /// Records processed, each counted once.
    pub processed: u64,
    /// Records processed again.
    pub duplicates: u64,
    /// Changes of a lease to an owner.
    pub acquires: u64,
    /// Faults that took effect, by kind: those of the script, and those that calls met.
    pub faults: BTreeMap<&'static str, u64>,
    /// Store calls, by name.
    pub calls: BTreeMap<&'static str, u64>,
    /// Notices, by kind.
    pub notices: BTreeMap<&'static str, u64>,
    /// Leases per worker at the end.
    pub held: BTreeMap<String, usize>,
    /// A digest of all that happened: equal for equal runs.
    pub digest: u64,
    /// What happened, if a trace was asked for.
    pub trace: Vec<String>,
    /// Who held and ran what, if a recording was asked for.
    pub timeline: Option<Timeline>,
}

impl Report {
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
