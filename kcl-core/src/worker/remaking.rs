//! A store whose table or schema is gone while a worker runs: it is made again.
//!
//! What was in it is lost. A store tells so by its generation (PROTOCOL rule 13), and the
//! coordinator writes forward what this process knows.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use tracing::warn;

use super::catch::CatchPanic;
use crate::{
    env::{Clock, Spawner},
    observe::{Seam, WatchedStore, WorkerEvent},
    store::LeaseStore,
};

/// The time between two attempts.
const PAUSE: Duration = Duration::from_millis(500);

/// One attempt at a time to make the store again.
#[derive(Debug, Default)]
pub(super) struct Remaking {
    busy: Arc<AtomicBool>,
}

impl Remaking {
    /// A call found the store missing: it is prepared, unless that is being done.
    pub(super) fn start(
        &self,
        spawner: &dyn Spawner,
        store: WatchedStore,
        clock: Arc<dyn Clock>,
        seam: Seam,
    ) {
        if self.busy.swap(true, Ordering::AcqRel) {
            return;
        }
        let busy = Arc::clone(&self.busy);
        let attempt = async move {
            remake(&store, &seam).await;
            clock.sleep(PAUSE).await;
            busy.store(false, Ordering::Release);
        };
        drop(spawner.spawn("kcl-prepare", Box::pin(attempt)));
    }
}

async fn remake(store: &WatchedStore, seam: &Seam) {
    match CatchPanic(store.prepare()).await {
        Ok(Ok(())) => seam.event(&WorkerEvent::StoreRemade { store: store.location() }),
        Ok(Err(error)) => seam.event(&WorkerEvent::unprepared(&error)),
        Err(error) => warn!(error, "kcl.store.panicked"),
    }
}
