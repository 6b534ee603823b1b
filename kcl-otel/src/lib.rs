//! The figures of a worker for OpenTelemetry: every instrument of [`kcl_metrics::TABLE`],
//! registered at a meter of whoever embeds the worker.
//!
//! Instruments are asked when the SDK collects; in between nothing is done. Names and labels are
//! those of the table, units those of UCUM. What is not known is not told, never zero.
//!
//! ```
//! use kcl_metrics::Metrics;
//! use kcl_otel::Exported;
//! use opentelemetry::global;
//!
//! let metrics = Metrics::new(); // and `.observer(metrics.clone())` at the worker
//! let exported = Exported::new(&metrics, &global::meter("kcl"), []);
//! # drop(exported);
//! ```
//!
//! OpenTelemetry takes no histogram that was counted before: each is three counters, as Prometheus
//! writes it, `_bucket` with the attribute `le`, `_sum` and `_count`.
//!
//! | module | its question |
//! |---|---|
//! | `collected` | what is each figure when it is asked for? |
//! | `register` | as which instrument is it asked for? |

mod collected;
mod register;

use std::{fmt, sync::Arc};

use kcl_metrics::{Metrics, TABLE};
use opentelemetry::{KeyValue, metrics::Meter};

use self::collected::Collected;

/// The figures of a worker, told as long as this lives: a meter forgets no instrument, but those
/// of a worker that is over tell nothing any more.
#[must_use = "what is dropped tells nothing"]
pub struct Exported(Arc<Collected>);

impl Exported {
    /// Registers every instrument at `meter`. What is told has these attributes beside its labels:
    /// two workers of one process need some that tell them apart.
    pub fn new(
        metrics: &Metrics,
        meter: &Meter,
        attributes: impl IntoIterator<Item = KeyValue>,
    ) -> Self {
        let attributes = attributes.into_iter().collect();
        let collected = Arc::new(Collected::new(metrics.clone(), attributes));
        for row in TABLE {
            register::register(row, meter, &collected);
        }
        Self(collected)
    }
}

impl fmt::Debug for Exported {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Exported").field(&self.0).finish()
    }
}
