//! The errors of a batch that was not committed.

use kcl_core::{
    lease::{Checkpoint, LeaseKey},
    store::StoreError,
};

/// The reason for which a batch was not committed. Its effects are undone, except where the text
/// says otherwise.
#[derive(Debug, thiserror::Error)]
pub(super) enum Uncommitted {
    #[error(
        "lease {0} is not held by this worker under its epoch any more, or {1} is another database \
         than the one that keeps the leases"
    )]
    NotHeld(LeaseKey, String),
    #[error(
        "the stored checkpoint of lease {key} went back from {from} to {to}: what is in between is \
         delivered again once the lease is acquired anew"
    )]
    WentBack { key: LeaseKey, from: Checkpoint, to: Checkpoint },
    #[error("the row of lease {0} is as it was and was not written: is there a trigger on it?")]
    Withheld(LeaseKey),
    #[error(
        "the processor ended its transaction itself, with effects that may be committed without \
         their checkpoint: it is not called again under this lease. Leave commit and rollback to \
         the library"
    )]
    EndedByItself,
    #[error("{0}{cause}", cause = cause(.0))]
    Store(#[from] StoreError),
}

/// The cause, appended to the error's own text: a worker logs only that text of a processor's
/// error.
fn cause(error: &StoreError) -> String {
    error.source.as_ref().map(|cause| format!(": {cause}")).unwrap_or_default()
}
