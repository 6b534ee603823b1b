//! Reading and changing the operator's placement rules in a store: by command, or with what a
//! worker was started with.
//!
//! Every change is a compare-and-set on the document as it was read, and wakes the planner.

use bytes::Bytes;

use crate::{
    assignment::placement::{InvalidPlacement, Placement},
    lease::{DocName, LeaseKey, PutDoc, Write},
    store::{LeaseStore, StoreError, StoreErrorKind, StoreResult},
};

/// The document as it was read.
#[derive(Debug)]
pub struct Stored {
    /// What it says; `None`, if there is none, or if it makes no sense.
    pub placement: Option<Placement>,
    /// What is wrong with it.
    pub problem: Option<InvalidPlacement>,
    version: Option<u64>,
}

/// Why the rules could not be changed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NotPlaced {
    /// Somebody else changed them since they were read: nothing was changed.
    #[error(
        "somebody else changed the placement rules just now: nothing was changed; look at what \
         they say and try again"
    )]
    Raced,
    /// Whether they were changed is not known.
    #[error(
        "whether the placement rules were changed is not known: look at what they say and try again"
    )]
    Unknown(#[source] StoreError),
    /// The rules make no document.
    #[error(transparent)]
    Invalid(#[from] InvalidPlacement),
    /// The store's failure: nothing was changed.
    #[error(transparent)]
    Store(StoreError),
}

/// Reads the document. One that makes no sense is no error here: it can be replaced.
///
/// # Errors
/// The store's.
///
/// # Cancel safety
/// Safe: it only reads.
pub async fn read(store: &dyn LeaseStore) -> StoreResult<Stored> {
    let doc = store.doc(&DocName::placement()).await?;
    let version = doc.as_ref().map(|doc| doc.version);
    let (placement, problem) = match doc.map(|doc| Placement::decode(&doc.body)) {
        None => (None, None),
        Some(Ok(placement)) => (Some(placement), None),
        Some(Err(problem)) => (None, Some(problem)),
    };
    Ok(Stored { placement, problem, version })
}

/// Puts `next` in the place of what was read, and wakes the planner.
///
/// # Errors
/// [`NotPlaced::Raced`], if it is not what was read any more; [`NotPlaced::Unknown`], if the answer
/// was lost and the document does not show what became of it; the store's.
///
/// # Cancel safety
/// Dropped, it may or may not have been put.
pub async fn put(store: &dyn LeaseStore, read: &Stored, next: &Placement) -> Result<(), NotPlaced> {
    let body = next.encode()?;
    let put = PutDoc::new(DocName::placement(), read.version, body.clone());
    match store.put_doc(put).await {
        Ok(Write::Done(_)) => {}
        Ok(Write::Refused(_)) => return Err(NotPlaced::Raced),
        Err(error) if error.kind == StoreErrorKind::Unknown => {
            if !has_landed(store, read.version, &body).await {
                return Err(NotPlaced::Unknown(error));
            }
        }
        Err(error) => return Err(NotPlaced::Store(error)),
    }
    wake_planner(store).await;
    Ok(())
}

/// Whether what was put stands there, as the very next version.
async fn has_landed(store: &dyn LeaseStore, before: Option<u64>, body: &Bytes) -> bool {
    let Ok(Some(doc)) = store.doc(&DocName::placement()).await else { return false };
    doc.version == before.unwrap_or(0) + 1 && doc.body == *body
}

/// Wakes the planner, if there is one, so that it reads the rules. One that is not woken reads them
/// with its next audit: so a failure is none of the change's.
pub async fn wake_planner(store: &dyn LeaseStore) {
    let Ok(Some(lease)) = store.lease(&LeaseKey::planner()).await else { return };
    if let Some(planner) = lease.owner {
        let _ = store.wake(&planner).await;
    }
}
