//! Ctrl-c and SIGTERM.

use std::{future::Future, time::Duration};

use anyhow::Context;
use kcl_core::worker::WorkerHandle;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// How long a batch may wait for its reader once the worker was told to leave.
const PATIENCE: Duration = Duration::from_secs(2);

/// What a shell reports of a process that was interrupted.
const INTERRUPTED: i32 = 130;

/// Leaves at the first signal; some time later batches that nobody reads are given up; at the
/// second signal the process ends at once.
///
/// # Errors
/// The operating system's.
pub(super) fn follow_signals(
    handle: WorkerHandle,
    give_up: CancellationToken,
) -> anyhow::Result<impl Future<Output = ()> + Send> {
    const FAILED: &str = "signals cannot be listened to";
    let mut interrupt = signal(SignalKind::interrupt()).context(FAILED)?;
    let mut terminate = signal(SignalKind::terminate()).context(FAILED)?;
    Ok(async move {
        let mut is_leaving = false;
        loop {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
                () = patience(), if is_leaving => {
                    give_up.cancel();
                    continue;
                }
            }
            if is_leaving {
                std::process::exit(INTERRUPTED);
            }
            tracing::info!("kcl.worker.leaving");
            is_leaving = true;
            handle.shut_down();
        }
    })
}

#[expect(clippy::disallowed_methods, reason = "a person at a terminal keeps the machine's time")]
async fn patience() {
    tokio::time::sleep(PATIENCE).await;
}
