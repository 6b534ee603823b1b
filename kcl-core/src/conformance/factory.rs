//! The trait that the author of a store implements for the suite.

use std::sync::Arc;

use async_trait::async_trait;

use crate::store::{LeaseStore, StoreResult};

/// Makes clients of the store under test.
#[async_trait]
pub trait StoreFactory: Send + Sync + 'static {
    /// The store's name in reports, such as `dynamodb (dynalite)`.
    fn name(&self) -> String;

    /// The optional abilities of the store; the default is none.
    fn capabilities(&self) -> Capabilities {
        Capabilities::default()
    }

    /// Makes a client of `application` on a server (table, schema) that all cases share. Two calls
    /// with one name make two clients of the same rows. The suite calls
    /// [`LeaseStore::prepare`] itself. It chooses names that no earlier run used: at most 40
    /// characters of `a-z`, `0-9` and `-`.
    ///
    /// # Errors
    /// Any error fails the case.
    async fn open(&self, application: &str) -> StoreResult<Arc<dyn LeaseStore>>;

    /// Makes a client of `application` in a table or schema of its own, which does not exist before
    /// the first [`LeaseStore::prepare`]. A store without tables need not implement this method.
    ///
    /// # Errors
    /// Any error fails the case.
    async fn open_apart(&self, application: &str) -> StoreResult<Arc<dyn LeaseStore>> {
        self.open(application).await
    }
}

/// The optional abilities of a store, and the quality of the way to it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Capabilities {
    /// The store pushes wake-ups: [`LeaseStore::wakeups`] returns a channel.
    pub pushes_wakeups: bool,
    /// Calls may fail, and writes may take effect late or twice, because the factory puts faults in
    /// their way on purpose. The suite then runs only the cases that allow for that.
    pub unreliable: bool,
}

impl Capabilities {
    /// Sets [`Self::pushes_wakeups`].
    #[must_use]
    pub const fn pushing(mut self) -> Self {
        self.pushes_wakeups = true;
        self
    }

    /// Sets [`Self::unreliable`].
    #[must_use]
    pub const fn unreliable(mut self) -> Self {
        self.unreliable = true;
        self
    }
}
