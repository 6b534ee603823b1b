//! Reads the planner's document of the last moves. It changes seldom, so it is read as often as the
//! stream, and not as often as the store.

use std::{sync::Arc, time::Duration};

use kcl_core::{
    env::Clock,
    lease::{DocName, report::Moves},
    store::LeaseStore,
};

/// The moves. `None` if there is no such document, if it cannot be decoded, or if the store failed
/// or did not answer within `patience`.
pub(super) async fn read(
    store: Arc<dyn LeaseStore>,
    clock: Arc<dyn Clock>,
    patience: Duration,
) -> Option<Moves> {
    let name = DocName::moves();
    tokio::select! {
        answer = store.doc(&name) => Moves::decode(&answer.ok()??.body),
        () = clock.sleep(patience) => None,
    }
}
