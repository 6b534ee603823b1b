//! Reading and changing the operator's placement rules in a store, for commands and for workers
//! that declare rules.
//!
//! Each change is a compare-and-set over the document as it was read, and wakes the planner:
//! [`read`] it, make the next [`Placement`], [`put`] that.

use bytes::Bytes;

use crate::{
    assignment::placement::{InvalidPlacement, Placement},
    lease::{DocName, LeaseKey, PutDoc, Write},
    store::{LeaseStore, StoreError, StoreErrorKind, StoreResult},
};

/// The document as it was read.
#[derive(Debug)]
pub struct Stored {
    /// Its content; `None` if there is no document, or if it cannot be decoded.
    pub placement: Option<Placement>,
    /// Why it cannot be decoded.
    pub problem: Option<InvalidPlacement>,
    /// Its version in the store; `None` if there is no document.
    version: Option<u64>,
}

/// Why the rules were not changed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NotPlaced {
    /// Another command or worker has changed the document since it was read. Nothing was changed.
    #[error(
        "somebody else changed the placement rules just now: nothing was changed; look at what \
         they say and try again"
    )]
    Raced,
    /// The answer was lost, and the document does not show whether the change was applied.
    #[error(
        "whether the placement rules were changed is not known: look at what they say and try again"
    )]
    Unknown(#[source] StoreError),
    /// The rules cannot be stored as a document.
    #[error(transparent)]
    Invalid(#[from] InvalidPlacement),
    /// The store failed. Nothing was changed.
    #[error(transparent)]
    Store(StoreError),
}

/// Reads the document. One that cannot be decoded is no error here, since it can be replaced.
///
/// # Errors
/// When the store fails.
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

/// Puts `next` in the place of the document that was read, and wakes the planner.
///
/// # Errors
/// [`NotPlaced::Raced`] if the document has changed since; [`NotPlaced::Unknown`] if the answer was
/// lost and the document does not show whether the change was applied; [`NotPlaced::Invalid`] if
/// the rules are too large; [`NotPlaced::Store`] if the store fails.
///
/// # Cancel safety
/// A dropped future may have put the document or not, and may not have woken the planner.
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

/// Whether the stored document is the one that was put, in the very next version.
async fn has_landed(store: &dyn LeaseStore, before: Option<u64>, body: &Bytes) -> bool {
    let Ok(Some(doc)) = store.doc(&DocName::placement()).await else { return false };
    doc.version == before.unwrap_or(0) + 1 && doc.body == *body
}

/// Wakes the planner, if there is one, so that it reads the rules. A planner that is not woken
/// reads them at its next audit, so a failure is ignored.
///
/// # Cancel safety
/// Safe: at worst no wake-up is sent.
pub async fn wake_planner(store: &dyn LeaseStore) {
    let Ok(Some(lease)) = store.lease(&LeaseKey::planner()).await else { return };
    if let Some(planner) = lease.owner {
        let _ = store.wake(&planner).await;
    }
}
