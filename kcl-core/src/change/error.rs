//! The errors of a change.

use super::{copy::InvalidCopy, design::Unfit};
use crate::{
    env::WallTime,
    store::{StoreErrorKind, codec::BadRow},
};

/// Why an application was not changed, or not completely.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ChangeError {
    /// Another command has closed the application.
    #[error(
        "the application is closed since {since}: {by} is at {what:?}{}. If that runs no more, run \
         the same again to go on with it, or take it back with `kcl leases reset --undo`",
        if *.undoing { ", taking it back" } else { "" }
    )]
    Busy {
        /// The command that closed it.
        by: String,
        /// The change of that command, in words.
        what: String,
        /// Since when it is closed.
        since: WallTime,
        /// Whether that change is being taken back.
        undoing: bool,
    },
    /// Another run of the same command, or an undo, has taken the change over.
    #[error("{by} has taken over: nothing is changed by this run any more")]
    Overtaken {
        /// The command that took over.
        by: String,
    },
    /// The store went back in time and lost the change while it was made.
    #[error(
        "the store went back in time and lost this change: the application is as it was before, \
         and workers may have started{}. See `kcl leases list`, stop them, and run the same again",
        .sent.as_ref().map_or_else(String::new, |sent| format!(
            ". What was sent last, of {sent}, may have been applied all the same"
        ))
    )]
    WentBack {
        /// The leases or the document that were written last; `None` if none was.
        sent: Option<String>,
    },
    /// There are live workers.
    #[error(
        "workers live: {}. Stop them first; nothing was changed{}",
        .workers.join(", "),
        if *.closed {
            " now, but an earlier run of the change was broken off: run it again when they are gone"
        } else {
            ""
        }
    )]
    Alive {
        /// The ids of the live workers.
        workers: Vec<String>,
        /// Whether the application stays closed, because an earlier run may have changed rows or
        /// because it was prepared.
        closed: bool,
    },
    /// The change cannot be made of this application.
    #[error(transparent)]
    Unfit(#[from] Unfit),
    /// The stream could not be listed.
    #[error("the stream cannot be listed: {0}")]
    Stream(String),
    /// There is no change to take back.
    #[error("there is no change to take back")]
    NothingToUndo,
    /// A document cannot be decoded.
    #[error("the document {name} makes no sense: {why}; a later version may have written it")]
    Corrupt {
        /// The name of the document.
        name: String,
        /// The reason.
        why: String,
    },
    /// A row cannot be decoded, so the copy would not be complete.
    #[error("{0}. Mend the row in the store, or delete it there, and run this again")]
    Unreadable(BadRow),
    /// The store failed, too often or in a way that no retry helps.
    #[error(
        "{kind}{}",
        if *.closed {
            ". The application stays closed: run the same command again to go on, or take the \
             change back with `kcl leases reset --undo`"
        } else {
            ""
        }
    )]
    Store {
        /// The kind of the last failure.
        kind: StoreErrorKind,
        /// Whether the application stays closed.
        closed: bool,
    },
}

impl ChangeError {
    pub(super) fn corrupt(name: &impl ToString, why: &dyn std::error::Error) -> Self {
        Self::Corrupt { name: name.to_string(), why: why.to_string() }
    }

    pub(super) fn copy(name: &impl ToString, why: &InvalidCopy) -> Self {
        Self::corrupt(name, why)
    }
}
