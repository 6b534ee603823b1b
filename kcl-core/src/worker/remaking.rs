//! Creates the lease store again if somebody deletes its table or schema while a worker runs.
//!
//! The rows are lost. The new store has another generation (PROTOCOL rule 13); the coordinator
//! notices that and writes back the checkpoints that this process knows.

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

/// Creates the store again, with at most one attempt at a time.
#[derive(Debug, Default)]
pub(super) struct Remaking {
    /// True during an attempt and the [`PAUSE`] after it.
    busy: Arc<AtomicBool>,
}

impl Remaking {
    /// Starts an attempt, unless one is under way. The keeper calls it for each store call that
    /// fails with [`StoreErrorKind::Missing`](crate::store::StoreErrorKind::Missing).
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
