//! Watching the rows of a fleet while its store is in trouble.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
};

use anyhow::{Result, ensure};
use kcl_core::{
    lease::{Epoch, LeaseKey},
    store::{LeaseStore, LeaseStoreExt},
};
use tokio::task::JoinHandle;

use crate::stage::pause;

/// Looks at the rows again and again, until it is asked what it saw.
#[derive(Debug)]
pub(crate) struct Witness {
    seen: Arc<Seen>,
    task: JoinHandle<()>,
}

#[derive(Debug, Default)]
struct Seen {
    looks: Mutex<u32>,
    wrong: Mutex<Vec<String>>,
    done: AtomicBool,
}

const PAUSE: u64 = 40;

impl Witness {
    /// Begins to look, on a way to the store that nothing spoils.
    #[expect(clippy::disallowed_methods, reason = "a test may spawn")]
    pub(crate) fn start(store: Arc<dyn LeaseStore>) -> Self {
        let seen = Arc::new(Seen::default());
        let task = tokio::spawn(watch(store, Arc::clone(&seen)));
        Self { seen, task }
    }

    /// Fails if an epoch or a checkpoint ever went back, or nothing was seen.
    pub(crate) async fn testify(self) -> Result<()> {
        self.seen.done.store(true, Ordering::Relaxed);
        self.task.await?;
        let wrong = self.seen.wrong.lock().unwrap();
        ensure!(wrong.is_empty(), "rows went back: {wrong:#?}");
        let looks = *self.seen.looks.lock().unwrap();
        ensure!(looks > 10, "only {looks} looks at the rows");
        Ok(())
    }
}

async fn watch(store: Arc<dyn LeaseStore>, seen: Arc<Seen>) {
    let mut last: BTreeMap<LeaseKey, (Epoch, String)> = BTreeMap::new();
    while !seen.done.load(Ordering::Relaxed) {
        pause(PAUSE).await;
        // While the server is away, there is nothing to see.
        let Ok(leases) = store.all_leases().await else { continue };
        *seen.looks.lock().unwrap() += 1;
        for lease in leases {
            let now = (lease.epoch, lease.checkpoint.key());
            let before = last.insert(lease.key.clone(), now.clone());
            if let Some(before) = before
                && (now.0 < before.0 || now.1 < before.1)
            {
                let line = format!("{}: {now:?} after {before:?}", lease.key);
                seen.wrong.lock().unwrap().push(line);
            }
        }
    }
}
