//! Sends the metrics of a worker to Amazon CloudWatch.
//!
//! The exporter does not disturb the worker: it has a thread and a runtime of its own. A request
//! that fails waits and is sent again; at most 4 MiB of requests wait. Metrics that CloudWatch
//! refuses, or that waited too long, are dropped, counted (`kcl_cloudwatch_data_total`), and logged
//! at most every five minutes.
//!
//! ```text
//! snapshot ─► ours ─┐
//!                   ├─► datums ─► wire ─► queue ─► send ─► PutMetricData
//! events ───► kcl ──┘
//! ```
//!
//! | module | its question |
//! |---|---|
//! | `settings` | what is sent where, and how often? |
//! | `ours` | which data are sent under the names of the table? |
//! | `kcl` | which data are sent under the names of the Java KCL? |
//! | `datum` | what has one metric of one period? |
//! | `wire` | how are data written into requests? |
//! | `queue` | which requests wait? |
//! | `send` | did CloudWatch take a request, and if not, is it worth another attempt? |
//! | `run` | when is a snapshot taken, and when is a request sent? |

mod datum;
mod kcl;
mod ours;
mod queue;
mod run;
mod send;
mod settings;
mod wire;

use std::thread::{Builder, JoinHandle};

use tokio::sync::oneshot;

pub use kcl::KclTally;
pub use settings::{CloudWatchError, CloudWatchSettings, Level, Names};

use crate::Metrics;

/// Sends metrics until it is dropped. The drop sends the last period and everything that waits, and
/// takes five seconds at most.
#[derive(Debug)]
pub struct CloudWatch {
    tally: KclTally,
    /// The thread ends when this sender is dropped.
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl CloudWatch {
    /// Sends the metrics of a worker once in each period. Register `metrics` as an observer of the
    /// worker; for the names of the Java KCL also [`Self::observer`].
    ///
    /// A CloudWatch that cannot be reached, or refuses, is no error here: it is logged.
    ///
    /// # Errors
    /// A setting is invalid, or the operating system gives no thread.
    pub fn start(settings: CloudWatchSettings, metrics: Metrics) -> Result<Self, CloudWatchError> {
        settings.check()?;
        tracing::info!(
            namespace = settings.sent_into(), names = ?settings.names,
            level = ?settings.level, period = ?settings.period, "kcl.cloudwatch.started"
        );
        let level = (settings.names == Names::Kcl).then_some(settings.level);
        let tally = KclTally::new(level);
        let exporter = run::Exporter { settings, metrics, tally: tally.clone() };
        let (stop, stopped) = oneshot::channel();
        let none = |error: std::io::Error| CloudWatchError::Thread(error.to_string());
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(none)?;
        let work = move || {
            runtime.block_on(run::run(exporter, stopped));
            // A shutdown that waits would wait for a name lookup that is still running.
            runtime.shutdown_background();
        };
        let thread = Builder::new().name("kcl-cloudwatch".to_owned()).spawn(work).map_err(none)?;
        Ok(Self { tally, stop: Some(stop), thread: Some(thread) })
    }

    /// The observer that counts for the names of the Java KCL. With [`Names::Ours`] it does
    /// nothing.
    #[must_use]
    pub fn observer(&self) -> KclTally {
        self.tally.clone()
    }
}

impl Drop for CloudWatch {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // The thread has logged its own errors.
            let _ = thread.join();
        }
    }
}
