//! What shards inherit from ancestors whose rows are gone, as the planner knows it and as it is
//! stored.
//!
//! It is read in each reading for which there are rules to inherit, and *after* the leases: what
//! leads to a rule stands in the rows or here, since it is written here before a row is deleted. So
//! whatever the listing of the leases no longer shows, this shows.

use crate::{
    assignment::placement::Inherited,
    coordinator::{command::Notice, context::Context},
    lease::{DocName, Document, Epoch},
};

/// What shards inherit.
#[derive(Debug, Default)]
pub(in crate::coordinator::planner) struct Inheritance {
    /// Whatever this planner has read or written. What descends from what never changes: a store
    /// that has lost some of it gets it back.
    known: Inherited,
    /// Whether this planner has read one that makes sense, or that there is none.
    is_known: bool,
    /// What is stored; `None` while that makes no sense, or was not read yet.
    stored: Option<Stored>,
    /// It is being written.
    pub(in crate::coordinator::planner) is_busy: bool,
}

/// The document, as last seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::coordinator::planner) struct Stored {
    /// Its version, as [`crate::lease::PutDoc`] takes it; `None`: there is none.
    pub(in crate::coordinator::planner) version: Option<u64>,
    /// The term of the planner that wrote it.
    pub(in crate::coordinator::planner) term: Epoch,
    pub(in crate::coordinator::planner) says: Inherited,
}

impl Inheritance {
    /// It was read. If it makes no sense, what was read before goes on to count.
    pub(super) fn read(&mut self, doc: Option<&Document>, ctx: &mut Context) {
        let read = doc.map_or_else(|| Ok((Epoch::NONE, Inherited::default())), decoded);
        match read {
            Ok((term, says)) => {
                let mut known = says.clone();
                known.fill_in(&self.known);
                (self.known, self.is_known) = (known, true);
                let version = doc.map(|doc| doc.version);
                self.stored = Some(Stored { version, term, says });
            }
            Err(problem) => {
                self.stored = None;
                ctx.notify(Notice::Unreadable(DocName::inherited(), problem));
            }
        }
    }

    /// The planner of this term wrote it.
    pub(in crate::coordinator::planner) fn written(
        &mut self,
        says: Inherited,
        term: Epoch,
        version: u64,
    ) {
        self.known.clone_from(&says);
        self.stored = Some(Stored { version: Some(version), term, says });
    }

    /// What is inherited, as far as this planner knows.
    pub(in crate::coordinator::planner) const fn known(&self) -> &Inherited {
        &self.known
    }

    /// Whether this planner ever knew what is stored.
    pub(in crate::coordinator::planner) const fn is_known(&self) -> bool {
        self.is_known
    }

    /// What is stored, as last seen, if it makes sense: else nobody writes over it.
    pub(in crate::coordinator::planner) const fn stored(&self) -> Option<&Stored> {
        self.stored.as_ref()
    }
}

fn decoded(doc: &Document) -> Result<(Epoch, Inherited), String> {
    Inherited::decode(&doc.body).map_err(|error| error.to_string())
}
