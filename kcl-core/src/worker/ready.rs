//! Prepares the lease store before a worker joins, and checks that required placement rules exist.
//!
//! The keeper's thread does this before it makes the coordinator. [`super::prepare`] does the same
//! for the sources, on the user's runtime.

use std::time::Duration;

use tokio::sync::mpsc;

use super::keeper::SupervisorCommand;
use crate::{
    env::Env,
    observe::{Seam, WatchedStore, WorkerEvent},
    placing,
    store::{LeaseStore, StoreError, StoreErrorKind, StoreResult},
};

/// Why the store is not ready for the worker.
pub(super) enum Unready {
    Store(StoreError),
    /// The worker needs placement rules, and the store holds none.
    NoRules,
}

/// Prepares the store, and checks with `needs_rules` that it holds placement rules. Retries an
/// error that may pass until it succeeds or the worker's future is dropped (`directions` closed).
pub(super) async fn prepare(
    store: &WatchedStore,
    needs_rules: bool,
    env: &Env,
    seam: &Seam,
    directions: &mpsc::UnboundedSender<SupervisorCommand>,
) -> Result<(), Unready> {
    const PAUSE: Duration = Duration::from_millis(500);
    loop {
        match has_what_it_needs(store, needs_rules).await {
            Err(error) if may_pass(&error) && !directions.is_closed() => {
                seam.event(&WorkerEvent::unprepared(&error));
                env.clock.sleep(PAUSE).await;
            }
            Err(error) => return Err(Unready::Store(error)),
            Ok(false) => return Err(Unready::NoRules),
            Ok(true) => return Ok(()),
        }
    }
}

async fn has_what_it_needs(store: &WatchedStore, needs_rules: bool) -> StoreResult<bool> {
    store.prepare().await?;
    if !needs_rules {
        return Ok(true);
    }
    let placement = placing::read(store).await?.placement;
    Ok(placement.is_some_and(|it| !it.rules.rules().is_empty()))
}

/// True if another attempt may succeed. [`StoreErrorKind::Missing`] may pass, too: somebody deleted
/// the table between its creation and the next call, and the next attempt creates it again.
fn may_pass(error: &StoreError) -> bool {
    error.is_retryable() || error.kind == StoreErrorKind::Missing
}
