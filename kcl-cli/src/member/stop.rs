//! Ends a worker at Ctrl-C and SIGTERM: in order at the first signal, at once at the second.

use std::{fmt, time::Duration};

use kcl_core::{env::Env, worker::WorkerHandle};
use tokio_util::sync::CancellationToken;

use crate::signals::Signals;

/// How long the output of a batch may wait for its reader after the worker began to shut down.
const PATIENCE: Duration = Duration::from_secs(2);

/// What a command does besides when its worker shuts down.
pub(crate) struct Leaving {
    /// Cancelled [`PATIENCE`] after the first signal: batches whose output nobody reads are given
    /// up.
    pub(crate) give_up: CancellationToken,
    /// Called at the second signal, before the process exits.
    pub(crate) at_once: Box<dyn Fn() + Send + Sync>,
}

impl fmt::Debug for Leaving {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Leaving")
    }
}

/// Waits for signals. At the first one the worker shuts down. At the second one the process exits
/// at once; its leases keep their owner until the planner ends the session of the silent worker.
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
