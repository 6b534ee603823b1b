//! What ctrl-c and SIGTERM do to a worker.

use std::{fmt, time::Duration};

use kcl_core::{env::Env, worker::WorkerHandle};
use tokio_util::sync::CancellationToken;

use crate::signals::Signals;

/// How long a batch may wait for its reader once the worker was told to leave.
const PATIENCE: Duration = Duration::from_secs(2);

/// What happens beside the worker when it is told to leave.
pub(crate) struct Leaving {
    /// Set some time later: batches that nobody reads are given up.
    pub(crate) give_up: CancellationToken,
    /// Called before the process ends at once.
    pub(crate) at_once: Box<dyn Fn() + Send + Sync>,
}

impl fmt::Debug for Leaving {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Leaving")
    }
}

/// Leaves at the first signal; some time later batches that nobody reads are given up; at a second
/// signal the process ends at once, and its leases stay taken until its session times out.
pub(super) async fn follow(mut signals: Signals, handle: WorkerHandle, leaving: Leaving) {
    let told = signals.next().await;
    tracing::info!(signal = told.name(), "kcl.worker.leaving");
    handle.shut_down();
    let clock = Env::system().clock;
    let forced = tokio::select! {
        told = signals.next() => told,
        () = clock.sleep(PATIENCE) => {
            leaving.give_up.cancel();
            signals.next().await
        }
    };
    (leaving.at_once)();
    std::process::exit(forced.exit_code().into());
}
