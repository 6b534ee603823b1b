//! A store whose table or schema is gone while a worker runs: it is made again.
//!
//! What was in it is lost. A store tells so by its generation (ARCHITECTURE §4 rule 13), and the
//! coordinator writes forward what this process knows.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use tracing::{info, warn};

use super::{catch::CatchPanic, complaints::Complaints};
use crate::{
    env::{Clock, Spawner},
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
        store: Arc<dyn LeaseStore>,
        clock: Arc<dyn Clock>,
        complaints: Arc<Complaints>,
    ) {
        if self.busy.swap(true, Ordering::AcqRel) {
            return;
        }
        let busy = Arc::clone(&self.busy);
        let attempt = async move {
            remake(&*store, &*clock, &complaints).await;
            clock.sleep(PAUSE).await;
            busy.store(false, Ordering::Release);
        };
        drop(spawner.spawn("kcl-prepare", Box::pin(attempt)));
    }
}

async fn remake(store: &dyn LeaseStore, clock: &dyn Clock, complaints: &Complaints) {
    match CatchPanic(Box::pin(store.prepare())).await {
        Ok(Ok(())) => info!(store = store.location(), "kcl.store.remade"),
        Ok(Err(error)) => {
            let source = error.source.as_deref().map(ToString::to_string).unwrap_or_default();
            if complaints.due(format!("prepare: {error}"), clock.now()).is_some() {
                warn!(%error, source, "kcl.store.unprepared");
            }
        }
        Err(error) => warn!(error, "kcl.store.panicked"),
    }
}
