//! The assignment document of one worker: the stored one, and the one that should be stored.

use crate::{
    coordinator::{
        document::{Assignment, Hold},
        planner::catalogue::Fleet,
    },
    env::Time,
    lease::{PlanVersion, SessionId},
};

/// The assignment document of one worker.
#[derive(Debug, Default)]
pub(super) struct AssignmentDoc {
    /// The version in the store, if it is known; `Some(None)` means that there is no document.
    pub(super) stored: Option<Option<u64>>,
    /// The document of this term that the store is known to hold.
    pub(super) published: Option<Assignment>,
    /// The document that the store should hold.
    pub(super) wanted: Option<Assignment>,
    /// How many leases to take did not fit into it.
    pub(super) left_out: usize,
    /// Whether a read or a write is under way.
    pub(super) busy: bool,
    /// When a failed read or write is made again.
    pub(super) retry_at: Option<Time>,
    /// When the worker was last woken for it.
    pub(super) woken_at: Option<Time>,
}

impl AssignmentDoc {
    /// Whether the store holds the document that it should. No two documents of a term have one
    /// version.
    pub(super) fn is_published(&self) -> bool {
        let wanted = self.wanted.as_ref().map(|document| document.version);
        wanted.is_some() && self.version() == wanted
    }

    /// The version of the stored document of this term.
    pub(super) fn version(&self) -> Option<PlanVersion> {
        self.published.as_ref().map(|document| document.version)
    }

    /// Whether the store holds the document that it should, and `session` has confirmed it.
    pub(super) fn is_echoed_by(&self, session: &SessionId, fleet: &Fleet) -> bool {
        self.is_published() && self.version().is_some_and(|v| fleet.seen_by(session) >= v)
    }

    /// Whether `document` says the same as the wanted one, so that it need not be written. Ignores
    /// version, rank, standbys, and the transfer mode of held leases.
    pub(super) fn says(&self, document: &Assignment) -> bool {
        self.wanted.as_ref().filter(|_| what_is_said_is_not_said_again()).is_some_and(|wanted| {
            let aligned = Assignment {
                version: document.version,
                rank: document.rank,
                standby: document.standby.clone(),
                second: document.second.clone(),
                holds: document.holds.clone(),
                ..wanted.clone()
            };
            says_part(wanted, document)
                && aligned == *document
                && says_holds(&wanted.holds, &document.holds)
        })
    }
}

/// Whether the worker has the same part in watching others: is it a head, is it near? A worker that
/// watches heads has to know them.
fn says_part(stored: &Assignment, wanted: &Assignment) -> bool {
    let near = stored.is_near();
    let told = !near || knows_heads(stored, wanted);
    near == wanted.is_near() && stored.part() == wanted.part() && told
}

/// Whether the leases to hold are the same. How the row was seen does not matter once the worker
/// holds the lease.
fn says_holds(stored: &[Hold], wanted: &[Hold]) -> bool {
    let same = |(old, new): (&Hold, &Hold)| {
        let same = old.key == new.key && old.children == new.children;
        same && (new.from.is_none() || new.from == old.from)
    };
    stored.len() == wanted.len() && stored.iter().zip(wanted).all(same)
}

/// Whether a document that says the same is not written again.
fn what_is_said_is_not_said_again() -> bool {
    !planted!(DocumentsAlwaysRewritten)
}

/// Whether the document names the same heads.
fn knows_heads(stored: &Assignment, wanted: &Assignment) -> bool {
    stored.heads().eq(wanted.heads()) || planted!(HeadsNotTold)
}
