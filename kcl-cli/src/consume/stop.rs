//! What ctrl-c and SIGTERM do to a worker.

use std::time::Duration;

use kcl_core::{env::Env, worker::WorkerHandle};
use tokio_util::sync::CancellationToken;

use crate::signals::Signals;

/// How long a batch may wait for its reader once the worker was told to leave.
const PATIENCE: Duration = Duration::from_secs(2);

/// Leaves at the first signal; some time later batches that nobody reads are given up; at a second
/// signal the process ends at once, and its leases stay taken until its session times out.
pub(super) async fn follow(mut signals: Signals, handle: WorkerHandle, give_up: CancellationToken) {
    let told = signals.next().await;
    tracing::info!(signal = told.name(), "kcl.worker.leaving");
    handle.shut_down();
    let clock = Env::system().clock;
    let forced = tokio::select! {
        told = signals.next() => told,
        () = clock.sleep(PATIENCE) => {
            give_up.cancel();
            signals.next().await
        }
    };
    std::process::exit(forced.exit_code().into());
}
