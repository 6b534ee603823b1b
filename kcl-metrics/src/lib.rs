//! Metrics and probes of a worker: for Prometheus, CloudWatch, the crate `metrics`, and the program
//! that embeds the worker.
//!
//! A [`Metrics`] is an observer of one worker. It counts events and calls, and keeps no global
//! state, so that two workers of a process have separate metrics. [`TABLE`] defines every
//! instrument: its name, kind, unit, labels and meaning. A test writes `docs/METRICS.md` from it.
//!
//! ```
//! use kcl_core::worker::Worker;
//! use kcl_memory::{MemoryStore, MemoryStream};
//! use kcl_metrics::{Format, Metrics};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let metrics = Metrics::new();
//! let worker = Worker::builder(MemoryStream::new("orders", 2), MemoryStore::new("order-indexer"))
//!     .observer(metrics.clone())
//!     .for_each_batch(|_| async { Ok(()) })
//!     .build()?;
//! # let _ = worker;
//! // At any time:
//! let text = metrics.text(Format::Prometheus);
//! let lag = metrics.snapshot().number("kcl_lag_max_seconds", &[("stream", "orders")]);
//! assert_eq!(lag, None); // the worker reads nothing yet: an unknown value is absent, never zero
//! # let _ = text;
//! # Ok(())
//! # }
//! ```
//!
//! With the feature `listener`, `Listener` serves `/metrics`, `/livez` and `/readyz` on a thread of
//! its own: a processor that blocks its runtime does not delay probes, and a slow client does not
//! delay the worker. With `cloudwatch`, `CloudWatch` sends the metrics to Amazon CloudWatch, under
//! their own names or under those of the Java KCL. With `facade`, `Facade` passes them to the
//! recorder of the crate `metrics`. The crate `kcl-otel` registers them with OpenTelemetry.
//!
//! ```text
//! worker ─► observer ─► sheet (counters, histograms) ─┐
//!                   └─► facts (the current state) ────┴─► snapshot ─► text, cloudwatch, facade
//!                                  └─► health
//! ```
//!
//! | module | its question |
//! |---|---|
//! | `table` | which instruments exist? |
//! | `sheet` | how often did something happen, and how long did it take? |
//! | `facts` | what is the state of the worker, its leases and its shards? |
//! | `observer` | which metric does an event or a call change? |
//! | `snapshot` | which value does each series have now? |
//! | `text` | how does Prometheus want them written? |
//! | `health` | is the worker alive, and is it ready? |
//! | `listener` | how are scrapes and probes answered? |
//! | `cloudwatch` | what is sent to Amazon CloudWatch, and when? |
//! | `counted` | by how much did each series grow since the last reading? |
//! | `facade` | what does the recorder of the crate `metrics` get? |

#[cfg(feature = "cloudwatch")]
mod cloudwatch;
#[cfg(any(feature = "cloudwatch", feature = "facade"))]
mod counted;
#[cfg(feature = "facade")]
mod facade;
mod facts;
mod health;
#[cfg(feature = "listener")]
mod listener;
mod metrics;
mod observer;
mod sheet;
mod snapshot;
mod table;
mod text;

#[cfg(feature = "cloudwatch")]
pub use cloudwatch::{CloudWatch, CloudWatchError, CloudWatchSettings, KclTally, Level, Names};
#[cfg(feature = "facade")]
pub use facade::Facade;
pub use health::Health;
#[cfg(feature = "listener")]
pub use listener::{ListenError, Listener, NoAddress, parse_address};
pub use metrics::Metrics;
pub use snapshot::{Series, Snapshot, Value};
pub use table::{Id, Instrument, Kind, Label, TABLE, Unit};
pub use text::Format;
