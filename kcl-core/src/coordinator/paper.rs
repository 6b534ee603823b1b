//! A document that its writer puts again and again: over which version, as far as that is known.

use super::op::{self, Answered};
use crate::lease::Write;

/// What a writer knows of a document that it keeps up to date.
#[derive(Debug, Default)]
pub(super) struct Paper {
    /// The version that is stored, once it is known; `Some(None)`: there is none.
    stored: Option<Option<u64>>,
    busy: bool,
}

/// What has to be asked of the store so that the document gets written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// Which version there is.
    Look,
    /// The document, over this version.
    Put(Option<u64>),
}

impl Paper {
    /// Whether something was asked that is not answered yet.
    pub(super) const fn is_busy(&self) -> bool {
        self.busy
    }

    /// What is to be asked first.
    pub(super) fn begin(&mut self) -> Step {
        self.busy = true;
        self.stored.map_or(Step::Look, Step::Put)
    }

    /// It was looked for: over which version it is to be put. `None` if that could not be told.
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

    /// It was put, or not. Whether it is known to be stored.
    pub(super) fn put(&mut self, answer: &Answered<op::PutDoc>) -> bool {
        self.busy = false;
        self.stored = match answer {
            Ok(Write::Done(document)) => Some(Some(document.version)),
            // It was lost, or is another's: what is there is written over next time.
            Ok(Write::Refused(found)) => Some(found.as_ref().map(|document| document.version)),
            // It may have been written.
            Err(_) => None,
        };
        matches!(answer, Ok(Write::Done(_)))
    }

    /// It is not written after all.
    pub(super) const fn leave(&mut self) {
        self.busy = false;
    }
}
