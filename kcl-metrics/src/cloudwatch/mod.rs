//! Figures for Amazon CloudWatch.
//!
//! A worker is not disturbed by it: everything is done on a thread of its own, with a runtime of
//! its own. What CloudWatch does not take waits, up to a bound; what it refuses, or does not take
//! in time, is dropped, counted (`kcl_cloudwatch_data_total`) and said in the log once in a while.
//!
//! | module | its question |
//! |---|---|
//! | `settings` | what is sent where, and how often? |
//! | `ours` | what is there to send by the names of the table? |
//! | `kcl` | what by the names of the Java KCL? |
//! | `datum` | what is one figure? |
//! | `wire` | how is it written? |
//! | `queue` | what waits? |
//! | `send` | what becomes of one request? |
//! | `run` | when is what done? |

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

/// Sends figures until it is dropped; then what is left, which takes five seconds at most.
#[derive(Debug)]
pub struct CloudWatch {
    tally: KclTally,
    /// Dropped to end it.
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl CloudWatch {
    /// Sends what `metrics` says, each period. Hang `metrics` in as an observer, and for the Java
    /// KCL's names [`Self::observer`], too.
    ///
    /// That CloudWatch cannot be reached, or refuses, is no error: it is said in the log.
    ///
    /// # Errors
    /// A setting that cannot work.
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
            // A name that is still being looked up would be waited for.
            runtime.shutdown_background();
        };
        let thread = Builder::new().name("kcl-cloudwatch".to_owned()).spawn(work).map_err(none)?;
        Ok(Self { tally, stop: Some(stop), thread: Some(thread) })
    }

    /// What counts for the Java KCL's names; without these it counts nothing.
    #[must_use]
    pub fn observer(&self) -> KclTally {
        self.tally.clone()
    }
}

/// What is left was sent, or five seconds are over.
impl Drop for CloudWatch {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // What went wrong on it was said there.
            let _ = thread.join();
        }
    }
}
