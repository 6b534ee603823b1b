//! The lease store of the demo: it opens it for each worker, and removes all rows at the end.

use std::{fmt, sync::Arc};

use anyhow::{Context, Result, bail};
use kcl_core::{
    env::Env,
    lease::{Delete, DeleteDoc, Document, EndSession, Ending, Forget, Lease, Session},
    store::{Consistency, LeaseStore, LeaseStoreExt, StoreResult},
};
use kcl_memory::MemoryServer;
use kcl_redis::RedisStore;

use crate::{config::Config, store_url::StoreUrl};

/// The lease store of the demo. The rows belong to an application with a random name, so that the
/// store may serve others, too. Clones share the store.
#[derive(Clone)]
pub(super) struct DemoStore {
    url: StoreUrl,
    /// The settings, with the name of the demo's application.
    config: Config,
    /// Holds the rows if `url` says memory; otherwise unused.
    memory: MemoryServer,
}

/// How many times all rows are deleted at most. A write that a worker sent before it was switched
/// off may arrive between two rounds.
const ROUNDS: usize = 5;

impl DemoStore {
    /// The store at `address`; memory if it is `None`. The store in the settings does not count: a
    /// demo must not write into an application's store unless the user names that store.
    ///
    /// # Errors
    /// The address names no store, or names DynamoDB without a table: the demo would leave a new
    /// table behind.
    pub(super) fn new(address: Option<&str>, config: &Config) -> Result<Self> {
        let url: StoreUrl = address.unwrap_or("memory:").parse()?;
        if url == (StoreUrl::Dynamo { table: None }) {
            bail!(
                "--store {url}: the demo removes its rows, but no table: name one that may stay, \
                like dynamodb://kcl-demo"
            );
        }
        let number = Env::system().entropy.next_u64() >> 32;
        let mut config = config.clone();
        config.consumer.application_name = Some(format!("kcl-demo-{number:08x}"));
        Ok(Self { url, config, memory: MemoryServer::new() })
    }

    /// Opens the store for one worker, with connections of its own.
    ///
    /// # Errors
    /// A setting is missing or invalid.
    pub(super) fn open(&self) -> Result<Arc<dyn LeaseStore>> {
        if self.url == StoreUrl::Memory {
            return Ok(Arc::new(self.memory.store(self.config.application()?)));
        }
        self.url.open(&self.config)
    }

    /// Prepares the store, for example makes its table.
    ///
    /// # Errors
    /// The store fails; this function does not try again.
    pub(super) async fn prepare(&self) -> Result<()> {
        let prepared = self.open()?.prepare().await;
        prepared.with_context(|| format!("the lease store {self} cannot be used"))
    }

    /// Removes all rows of the demo. No worker may run.
    ///
    /// # Errors
    /// The store fails, or new rows appear in each of [`ROUNDS`] rounds.
    pub(super) async fn clear(&self) -> Result<()> {
        let store = self.open()?;
        let application = store.application();
        let left = || format!("rows of the application {application} are left in {self}");
        for _ in 0..ROUNDS {
            if remove_all(&*store).await.with_context(left)? == 0 {
                return self.remove_mark().await.with_context(left);
            }
        }
        bail!("{}: they appear as fast as they are deleted", left())
    }

    /// Removes the mark that Redis keeps for an application without rows.
    async fn remove_mark(&self) -> Result<()> {
        if let StoreUrl::Redis { url } = &self.url {
            RedisStore::new(self.config.application()?, url)?.remove_layout().await?;
        }
        Ok(())
    }
}

/// Deletes every row, and returns how many there were. A delete is refused if its row has changed
/// meanwhile: the next round deletes it.
async fn remove_all(store: &dyn LeaseStore) -> StoreResult<usize> {
    let sessions = store.all_sessions(Consistency::Strong).await?;
    for Session { id, .. } in &sessions {
        // The session of a worker that was switched off is still live, and cannot be forgotten.
        drop(store.end_session(EndSession::new(id.clone(), Ending::Leave)).await?);
        drop(store.forget(Forget::new(id.clone())).await?);
    }
    let leases = store.all_leases().await?;
    for Lease { key, epoch, .. } in &leases {
        drop(store.delete(Delete::of_gone_stream(key.clone(), *epoch)).await?);
    }
    let documents = store.all_docs().await?;
    for Document { name, version, .. } in &documents {
        drop(store.delete_doc(DeleteDoc::new(name.clone(), *version)).await?);
    }
    Ok(sessions.len() + leases.len() + documents.len())
}

impl fmt::Display for DemoStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.url.fmt(f)
    }
}

impl fmt::Debug for DemoStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("DemoStore").field(&self.url).finish()
    }
}
