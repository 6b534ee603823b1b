//! Adds whole listings to every lease store.

use std::future::Future;

use super::{
    Consistency, Cursor, LeaseStore, Listing, Page, StoreError, StoreErrorKind, StoreResult,
};
use crate::lease::{Document, Lease, Session};

/// Reads all pages of a listing, on any lease store. Every [`LeaseStore`] has it.
pub trait LeaseStoreExt: LeaseStore {
    /// Reads every session, ended ones included.
    ///
    /// # Errors
    /// The error of the first page that fails, or [`StoreErrorKind::Corrupt`] for the first row
    /// that cannot be decoded. A partial list is never returned.
    fn all_sessions(
        &self,
        consistency: Consistency,
    ) -> impl Future<Output = StoreResult<Vec<Session>>> + Send {
        async move {
            let listing = pages(|from| self.sessions(from, consistency)).await?;
            whole(listing, "sessions", self)
        }
    }

    /// Reads every lease.
    ///
    /// # Errors
    /// The error of the first page that fails, or [`StoreErrorKind::Corrupt`] for the first row
    /// that cannot be decoded. A partial list is never returned. [`Self::list_leases`] returns such
    /// rows apart and does not fail for them.
    fn all_leases(&self) -> impl Future<Output = StoreResult<Vec<Lease>>> + Send {
        async move { whole(self.list_leases().await?, "leases", self) }
    }

    /// Reads every lease; rows that cannot be decoded are listed apart.
    ///
    /// # Errors
    /// The error of the first page that fails. A partial list is never returned.
    fn list_leases(&self) -> impl Future<Output = StoreResult<Listing<Lease>>> + Send {
        pages(|from| self.leases(from))
    }

    /// Reads every document.
    ///
    /// # Errors
    /// The error of the first page that fails, or [`StoreErrorKind::Corrupt`] for the first row
    /// that cannot be decoded. A partial list is never returned.
    fn all_docs(&self) -> impl Future<Output = StoreResult<Vec<Document>>> + Send {
        async move { whole(pages(|from| self.docs(from)).await?, "docs", self) }
    }
}

impl<S: LeaseStore + ?Sized> LeaseStoreExt for S {}

/// Reads page after page.
async fn pages<T, F>(page: impl Fn(Option<Cursor>) -> F) -> StoreResult<Listing<T>>
where
    F: Future<Output = StoreResult<Page<T>>>,
{
    let mut all = Listing::default();
    let mut from = None;
    loop {
        let page = page(from).await?;
        all.rows.extend(page.items);
        all.unreadable.extend(page.unreadable);
        from = page.next;
        if from.is_none() {
            return Ok(all);
        }
    }
}

/// The rows, if all of them can be read.
fn whole<T, S: LeaseStore + ?Sized>(
    listing: Listing<T>,
    op: &'static str,
    store: &S,
) -> StoreResult<Vec<T>> {
    match listing.unreadable.into_iter().next() {
        None => Ok(listing.rows),
        Some(bad) => {
            let key = format!("{} at {}", bad.key, store.location());
            Err(StoreError::new(StoreErrorKind::Corrupt, op, key).caused_by(bad))
        }
    }
}
