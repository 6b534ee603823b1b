//! Conveniences over any lease store.

use std::future::Future;

use super::{
    Consistency, Cursor, LeaseStore, Listing, Page, StoreError, StoreErrorKind, StoreResult,
};
use crate::lease::{Document, Lease, Session};

/// Conveniences over any lease store: whole listings.
pub trait LeaseStoreExt: LeaseStore {
    /// Every session, from all pages.
    ///
    /// # Errors
    /// The first page that fails, and the first row that makes no sense: a partial list is never
    /// returned.
    fn all_sessions(
        &self,
        consistency: Consistency,
    ) -> impl Future<Output = StoreResult<Vec<Session>>> + Send {
        async move {
            let listing = pages(|from| self.sessions(from, consistency)).await?;
            whole(listing, "sessions", self)
        }
    }

    /// Every lease, from all pages.
    ///
    /// # Errors
    /// The first page that fails, and the first row that makes no sense: a partial list is never
    /// returned. [`Self::list_leases`] tells such rows apart.
    fn all_leases(&self) -> impl Future<Output = StoreResult<Vec<Lease>>> + Send {
        async move { whole(self.list_leases().await?, "leases", self) }
    }

    /// Every lease that can be read, from all pages, and which cannot.
    ///
    /// # Errors
    /// The first page that fails: a partial list is never returned.
    fn list_leases(&self) -> impl Future<Output = StoreResult<Listing<Lease>>> + Send {
        pages(|from| self.leases(from))
    }

    /// Every document, from all pages.
    ///
    /// # Errors
    /// The first page that fails, and the first row that makes no sense: a partial list is never
    /// returned.
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
