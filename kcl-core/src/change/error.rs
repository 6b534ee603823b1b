//! Why an application was not changed.

use super::{copy::InvalidCopy, design::Unfit};
use crate::{
    env::WallTime,
    store::{StoreErrorKind, codec::BadRow},
};

/// Why an application was not changed, or not to the end.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ChangeError {
    /// Another command has closed it.
    #[error(
        "the application is closed since {since}: {by} is at {what:?}{}. If that runs no more, run \
         the same again to go on with it, or take it back with `kcl leases reset --undo`",
        if *.undoing { ", taking it back" } else { "" }
    )]
    Busy {
        /// Who.
        by: String,
        /// What that command does.
        what: String,
        /// Since when.
        since: WallTime,
        /// Whether it is being taken back.
        undoing: bool,
    },
    /// Another run of the same command, or one that takes the change back, has taken over.
    #[error("{by} has taken over: nothing is changed by this run any more")]
    Overtaken {
        /// Who.
        by: String,
    },
    /// The store has lost the change while it was made.
    #[error(
        "the store went back in time and lost this change: the application is as it was before, \
         and workers may have started{}. See `kcl leases list`, stop them, and run the same again",
        .sent.as_ref().map_or_else(String::new, |sent| format!(
            ". What was sent last, of {sent}, may have been applied all the same"
        ))
    )]
    WentBack {
        /// The lease or the document that was written last.
        sent: Option<String>,
    },
    /// Workers live.
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
        /// Their names.
        workers: Vec<String>,
        /// Whether the application stays closed, because rows were changed before.
        closed: bool,
    },
    /// It cannot be done to what was found.
    #[error(transparent)]
    Unfit(#[from] Unfit),
    /// The stream could not be listed.
    #[error("the stream cannot be listed: {0}")]
    Stream(String),
    /// There is no change to take back.
    #[error("there is no change to take back")]
    NothingToUndo,
    /// A document makes no sense.
    #[error("the document {name} makes no sense: {why}; a later version may have written it")]
    Corrupt {
        /// Which.
        name: String,
        /// Why.
        why: String,
    },
    /// A row makes no sense, and a copy without it would not be one of everything.
    #[error("{0}. Mend the row in the store, or delete it there, and run this again")]
    Unreadable(BadRow),
    /// The store failed, again and again.
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
        /// How.
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
