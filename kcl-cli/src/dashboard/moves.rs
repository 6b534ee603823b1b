//! The last moves, as the planner tells them: read now and then, since they change seldom.

use std::{sync::Arc, time::Duration};

use kcl_core::{
    env::Clock,
    lease::{DocName, report::Moves},
    store::LeaseStore,
};

/// The moves; none if no planner told any, they make no sense, or they cannot be read in time.
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
