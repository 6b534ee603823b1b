//! What has to be there before a worker joins: the store, and placement rules where needed.

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
    /// There have to be placement rules, and there are none.
    NoRules,
}

/// Prepares the store, and sees that there are placement rules if there have to be; what may pass
/// is waited out.
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

/// Whether preparing again may help: what is missing was deleted by somebody just then.
fn may_pass(error: &StoreError) -> bool {
    error.is_retryable() || error.kind == StoreErrorKind::Missing
}
