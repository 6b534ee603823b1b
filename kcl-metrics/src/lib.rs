//! What a worker does, in figures: for Prometheus, for probes, and for whoever embeds it.
//!
//! A [`Metrics`] is an observer of one worker: it counts what it is told, and keeps no state
//! outside itself, so that two workers of a process stay apart. [`TABLE`] says what there is to
//! count: name, kind, unit, labels and meaning of each instrument. `docs/METRICS.md` is made of it.
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
//! // Whenever somebody asks:
//! let text = metrics.text(Format::Prometheus);
//! let lag = metrics.snapshot().number("kcl_lag_max_seconds", &[("stream", "orders")]);
//! assert_eq!(lag, None); // it reads nothing yet: unknown is absent, never zero
//! # let _ = text;
//! # Ok(())
//! # }
//! ```
//!
//! With the feature `listener`, `Listener` serves `/metrics`, `/livez` and `/readyz` on a thread of
//! its own: neither a processor that blocks its runtime nor a client that is slow holds the other.
//! With `cloudwatch`, `CloudWatch` sends the figures to Amazon CloudWatch, by their own names or by
//! the Java KCL's. With `facade`, `Facade` tells them to the recorder of the crate `metrics`; the
//! crate `kcl-otel` has them for OpenTelemetry.
//!
//! | module | its question |
//! |---|---|
//! | `table` | what is there to tell? |
//! | `sheet` | how often, and how long? |
//! | `facts` | how do things stand? |
//! | `observer` | what changes when something happens? |
//! | `snapshot` | what is each worth now? |
//! | `text` | how is it written? |
//! | `health` | is the worker alive, and does it take part? |
//! | `listener` | who may ask over the network? |
//! | `cloudwatch` | what is Amazon CloudWatch told? |
//! | `counted` | what came since the last look? |
//! | `facade` | what is the recorder of the crate `metrics` told? |

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
