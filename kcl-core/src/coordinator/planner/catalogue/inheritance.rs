//! Which rules shards inherit from ancestors whose rows were deleted: as this planner knows it, and
//! as the document `inherited` says.
//!
//! A reading reads the document if there are rules, and *after* the leases. An entry is written
//! before its ancestor's row is deleted. So whatever a listing of leases no longer shows is in the
//! document.

use crate::{
    assignment::placement::Inherited,
    coordinator::{command::Notice, context::Context},
    lease::{DocName, Document, Epoch},
};

/// The rules that shards inherit.
#[derive(Debug, Default)]
pub(in crate::coordinator::planner) struct Inheritance {
    /// The entries that this planner has read or written. Lineage never changes, so no entry
    /// becomes wrong: a store that lost some of them gets them back.
    known: Inherited,
    /// Whether this planner ever read the document, or that there is none.
    is_known: bool,
    /// The document as last read or written; `None` before that, or if it cannot be decoded.
    stored: Option<Stored>,
    /// Whether a write is under way.
    pub(in crate::coordinator::planner) is_busy: bool,
}

/// The document, as last read or written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::coordinator::planner) struct Stored {
    /// Its version, as [`crate::lease::PutDoc`] takes it; `None`: there is no document.
    pub(in crate::coordinator::planner) version: Option<u64>,
    /// The term of the planner that wrote it.
    pub(in crate::coordinator::planner) term: Epoch,
    /// Its entries.
    pub(in crate::coordinator::planner) says: Inherited,
}

impl Inheritance {
    /// The document was read. If it cannot be decoded, the known entries still count.
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

    /// The planner of this term wrote the document.
    pub(in crate::coordinator::planner) fn written(
        &mut self,
        says: Inherited,
        term: Epoch,
        version: u64,
    ) {
        self.known.clone_from(&says);
        self.stored = Some(Stored { version: Some(version), term, says });
    }

    /// The entries, as far as this planner knows them.
    pub(in crate::coordinator::planner) const fn known(&self) -> &Inherited {
        &self.known
    }

    /// Whether this planner ever knew the document.
    pub(in crate::coordinator::planner) const fn is_known(&self) -> bool {
        self.is_known
    }

    /// The document; `None` if it cannot be decoded: then it is not written over.
    pub(in crate::coordinator::planner) const fn stored(&self) -> Option<&Stored> {
        self.stored.as_ref()
    }
}

fn decoded(doc: &Document) -> Result<(Epoch, Inherited), String> {
    Inherited::decode(&doc.body).map_err(|error| error.to_string())
}
