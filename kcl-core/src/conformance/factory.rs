//! What the author of a store hands to the suite.

use std::sync::Arc;

use async_trait::async_trait;

use crate::store::{LeaseStore, StoreResult};

/// Makes clients of the store under test.
#[async_trait]
pub trait StoreFactory: Send + Sync + 'static {
    /// What the store is called in reports, like `dynamodb (dynalite)`.
    fn name(&self) -> String;

    /// What the store can do beyond the contract.
    fn capabilities(&self) -> Capabilities {
        Capabilities::default()
    }

    /// A client of `application` on a server (table, schema) that all cases share; prepared by the
    /// suite. Asked twice for one application it gives two clients of the same state. The suite
    /// makes names up that no earlier run used: up to 40 of `a-z 0-9 -`.
    ///
    /// # Errors
    /// Whatever the store says: it fails the case.
    async fn open(&self, application: &str) -> StoreResult<Arc<dyn LeaseStore>>;

    /// A client of `application` in a home of its own (a table, a schema) that does not exist
    /// before its first [`LeaseStore::prepare`]. A store that has no such thing need not implement
    /// it.
    ///
    /// # Errors
    /// Whatever the store says: it fails the case.
    async fn open_apart(&self, application: &str) -> StoreResult<Arc<dyn LeaseStore>> {
        self.open(application).await
    }
}

/// What a store can do beyond the contract, and how its calls reach it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Capabilities {
    /// Wake-ups are pushed: [`LeaseStore::wakeups`] gives a channel.
    pub pushes_wakeups: bool,
    /// Calls may fail and writes may land late or twice, on purpose: only the cases that allow for
    /// that are run.
    pub unreliable: bool,
}

impl Capabilities {
    /// The same, pushing wake-ups.
    #[must_use]
    pub const fn pushing(mut self) -> Self {
        self.pushes_wakeups = true;
        self
    }

    /// The same, behind a network that misbehaves on purpose.
    #[must_use]
    pub const fn unreliable(mut self) -> Self {
        self.unreliable = true;
        self
    }
}
