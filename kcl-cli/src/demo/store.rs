//! Where the demo keeps its leases.

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

/// Where the demo keeps its leases: an application of its own, in memory or in a store that others
/// may use, too. Clones name the same one.
#[derive(Clone)]
pub(super) struct DemoStore {
    url: StoreUrl,
    /// The settings, with the demo's application.
    config: Config,
    memory: MemoryServer,
}

/// How often rows are deleted that appeared while others were: what a worker sent before it was
/// switched off may arrive late.
const ROUNDS: usize = 5;

impl DemoStore {
    /// The store at `address`; memory if there is none, whatever the settings say: a demo that
    /// nobody asked to does not write where an application may live.
    ///
    /// # Errors
    /// The address names no store, or a table that would have to be named after the demo.
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

    /// The store as one worker uses it: each has connections of its own.
    ///
    /// # Errors
    /// A setting is missing or cannot work.
    pub(super) fn open(&self) -> Result<Arc<dyn LeaseStore>> {
        if self.url == StoreUrl::Memory {
            return Ok(Arc::new(self.memory.store(self.config.application()?)));
        }
        self.url.open(&self.config)
    }

    /// Makes the store usable.
    ///
    /// # Errors
    /// Whatever is wrong with it: nothing is waited out.
    pub(super) async fn prepare(&self) -> Result<()> {
        let prepared = self.open()?.prepare().await;
        prepared.with_context(|| format!("the lease store {self} cannot be used"))
    }

    /// Removes what the demo wrote. Nobody may work any more.
    ///
    /// # Errors
    /// The store's, or rows that do not go.
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

    /// Removes what a store keeps of an application without rows.
    async fn remove_mark(&self) -> Result<()> {
        if let StoreUrl::Redis { url } = &self.url {
            RedisStore::new(self.config.application()?, url)?.remove_layout().await?;
        }
        Ok(())
    }
}

/// Deletes every row; answers how many there were. What is refused has changed meanwhile: the next
/// round sees it.
async fn remove_all(store: &dyn LeaseStore) -> StoreResult<usize> {
    let sessions = store.all_sessions(Consistency::Strong).await?;
    for Session { id, .. } in &sessions {
        // One that was switched off never said that it left.
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
