//! A document that one writer puts again and again, by compare-and-set over the version it knows.
//!
//! The writer calls [`Paper::begin`], makes the call that it returns, and hands the answer to
//! [`Paper::found`] or [`Paper::put`]. Another writer's version is written over at the next
//! attempt, not at once.

use super::op::{self, Answered};
use crate::lease::Write;

/// The state of such a document at its writer.
#[derive(Debug, Default)]
pub(super) struct Paper {
    /// The stored version, if it is known; `Some(None)` means that there is no document.
    stored: Option<Option<u64>>,
    /// Whether a call is under way.
    busy: bool,
}

/// The call that the writer makes next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// Read the document, to learn its version.
    Look,
    /// Put the document over this version; `None`: where there is no document.
    Put(Option<u64>),
}

impl Paper {
    /// Whether a call is under way.
    pub(super) const fn is_busy(&self) -> bool {
        self.busy
    }

    /// Begins a write: the call to make first.
    pub(super) fn begin(&mut self) -> Step {
        self.busy = true;
        self.stored.map_or(Step::Look, Step::Put)
    }

    /// The document was read. The version to put it over; `None` if the read failed: then the write
    /// is given up.
    pub(super) fn found(&mut self, answer: &Answered<op::Doc>) -> Option<Option<u64>> {
        match answer {
            Ok(found) => {
                let version = found.as_ref().map(|document| document.version);
                self.stored = Some(version);
                Some(version)
            }
            Err(_) => {
                self.busy = false;
                None
            }
        }
    }

    /// The put was answered. Whether the store is known to hold the document.
    pub(super) fn put(&mut self, answer: &Answered<op::PutDoc>) -> bool {
        self.busy = false;
        self.stored = match answer {
            Ok(Write::Done(document)) => Some(Some(document.version)),
            // An earlier put of this writer landed, or another writer's: the next write goes over
            // it.
            Ok(Write::Refused(found)) => Some(found.as_ref().map(|document| document.version)),
            // The put may have been applied.
            Err(_) => None,
        };
        matches!(answer, Ok(Write::Done(_)))
    }

    /// Gives the write up.
    pub(super) const fn leave(&mut self) {
        self.busy = false;
    }
}
