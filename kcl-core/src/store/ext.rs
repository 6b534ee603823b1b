//! Conveniences over any lease store.

use std::future::Future;

use super::{Consistency, LeaseStore, StoreResult};
use crate::lease::{Document, Lease, Session};

/// Conveniences over any lease store: whole listings.
pub trait LeaseStoreExt: LeaseStore {
    /// Every session, from all pages.
    ///
    /// # Errors
    /// The first page that fails: a partial list is never returned.
    fn all_sessions(
        &self,
        consistency: Consistency,
    ) -> impl Future<Output = StoreResult<Vec<Session>>> + Send {
        async move {
            let mut all = Vec::new();
            let mut from = None;
            loop {
                let page = self.sessions(from, consistency).await?;
                all.extend(page.items);
                from = page.next;
                if from.is_none() {
                    return Ok(all);
                }
            }
        }
    }

    /// Every lease, from all pages.
    ///
    /// # Errors
    /// The first page that fails: a partial list is never returned.
    fn all_leases(&self) -> impl Future<Output = StoreResult<Vec<Lease>>> + Send {
        async move {
            let mut all = Vec::new();
            let mut from = None;
            loop {
                let page = self.leases(from).await?;
                all.extend(page.items);
                from = page.next;
                if from.is_none() {
                    return Ok(all);
                }
            }
        }
    }

    /// Every document, from all pages.
    ///
    /// # Errors
    /// The first page that fails: a partial list is never returned.
    fn all_docs(&self) -> impl Future<Output = StoreResult<Vec<Document>>> + Send {
        async move {
            let mut all = Vec::new();
            let mut from = None;
            loop {
                let page = self.docs(from).await?;
                all.extend(page.items);
                from = page.next;
                if from.is_none() {
                    return Ok(all);
                }
            }
        }
    }
}

impl<S: LeaseStore + ?Sized> LeaseStoreExt for S {}
