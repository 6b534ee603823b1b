//! The document of one worker: what is stored, and what should be.

use crate::{
    coordinator::{
        document::{Assignment, Hold},
        planner::catalogue::Fleet,
    },
    env::Time,
    lease::{PlanVersion, SessionId},
};

/// The document of one worker.
#[derive(Debug, Default)]
pub(super) struct AssignmentDoc {
    /// The document's version in the store, once it is known: `Some(None)` means there is none.
    pub(super) stored: Option<Option<u64>>,
    /// What the store holds of this term, once acknowledged.
    pub(super) published: Option<Assignment>,
    /// What it should hold.
    pub(super) wanted: Option<Assignment>,
    /// Leases that it had no room for.
    pub(super) left_out: usize,
    /// A read or write is under way.
    pub(super) busy: bool,
    /// When a failed read or write is tried again.
    pub(super) retry_at: Option<Time>,
    /// When the worker was last told to look.
    pub(super) woken_at: Option<Time>,
}

impl AssignmentDoc {
    /// Whether the store holds what it should. No two documents of a term have one version.
    pub(super) fn is_published(&self) -> bool {
        let wanted = self.wanted.as_ref().map(|document| document.version);
        wanted.is_some() && self.version() == wanted
    }

    /// The version of the stored document of this term.
    pub(super) fn version(&self) -> Option<PlanVersion> {
        self.published.as_ref().map(|document| document.version)
    }

    /// Whether what should be stored is stored, and `session` has said that it saw it.
    pub(super) fn is_echoed_by(&self, session: &SessionId, fleet: &Fleet) -> bool {
        self.is_published() && self.version().is_some_and(|v| fleet.seen_by(session) >= v)
    }

    /// Whether `document` says the same as the wanted one. Ignores version, rank, standbys, and the
    /// transfer mode of leases that are held: a document is not rewritten for these.
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

/// Whether the worker has the same part in watching the others. Who watches all of them or looks
/// at those who do has to know them.
fn says_part(stored: &Assignment, wanted: &Assignment) -> bool {
    let near = stored.is_near();
    let told = !near || knows_heads(stored, wanted);
    near == wanted.is_near() && stored.part() == wanted.part() && told
}

fn says_holds(stored: &[Hold], wanted: &[Hold]) -> bool {
    let same = |(old, new): (&Hold, &Hold)| {
        let same = old.key == new.key && old.children == new.children;
        same && (new.from.is_none() || new.from == old.from)
    };
    stored.len() == wanted.len() && stored.iter().zip(wanted).all(same)
}

/// Whether a document is left as it is while it says the same.
fn what_is_said_is_not_said_again() -> bool {
    !planted!(DocumentsAlwaysRewritten)
}

fn knows_heads(stored: &Assignment, wanted: &Assignment) -> bool {
    stored.heads().eq(wanted.heads()) || planted!(HeadsNotTold)
}
