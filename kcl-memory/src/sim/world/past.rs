//! What happened so far that what comes depends on.

use std::collections::{BTreeMap, BTreeSet};

use kcl_core::{coordinator::FrozenStart, env::Time, lease::DocName};

use crate::sim::{Action, stream::StreamNo};

/// Kills a planner in the midst of its plan.
#[derive(Clone, Copy, Debug)]
pub(super) struct Trap {
    /// How many documents it still sends.
    pub(super) documents: usize,
    /// Whether the standby dies with it.
    pub(super) both: bool,
}

/// What happened so far that what comes depends on.
#[derive(Debug, Default)]
pub(super) struct Past {
    pub(super) trap: Option<Trap>,
    /// Streams of which a shard has, or had, a lease: where reading begins is settled.
    pub(super) began: BTreeSet<StreamNo>,
    /// Workers of another stream took part.
    pub(super) strangers: bool,
    /// The frozen starts, by the names of their documents.
    pub(super) starts: BTreeMap<DocName, FrozenStart>,
    /// Settings of a deployment are in use.
    pub(super) changed: bool,
    /// When the store last went back in time.
    pub(super) went_back: Option<Time>,
    /// When the store's clock last went back.
    pub(super) clock_back: Option<Time>,
    /// Shards changed in a way that only a listing tells.
    pub(super) unlisted: bool,
    /// From when on nothing may move any more.
    pub(super) rest: Time,
}

impl Past {
    pub(super) fn note(&mut self, action: &Action, now: Time) {
        match action {
            Action::JoinChanged | Action::Deploy(_) => self.changed = true,
            Action::RollBack(_) | Action::LoseFence(_) => self.went_back = Some(now),
            Action::JoinOther | Action::RestartOther(_) => self.strangers = true,
            Action::StoreClockBack(_) => self.clock_back = Some(now),
            Action::RemakeStream | Action::Expire(_) | Action::StreamOutage(_) => {
                self.unlisted = true;
            }
            _ => {}
        }
    }
}
