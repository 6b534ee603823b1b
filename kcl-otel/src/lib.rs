//! The metrics of a worker for OpenTelemetry: registers every instrument of [`kcl_metrics::TABLE`]
//! with a meter of the program that embeds the worker.
//!
//! All instruments are observable: the SDK asks for their values when it collects, and nothing
//! happens in between. Names and labels are those of the table, units those of UCUM. An unknown
//! value is not reported; it is never zero.
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
//! OpenTelemetry has no observable histogram. Each histogram becomes three counters, as in
//! Prometheus: `_bucket` with the attribute `le`, `_sum` and `_count`.
//!
//! | module | its question |
//! |---|---|
//! | `collected` | which value does each series have in this collection? |
//! | `register` | as which instruments of OpenTelemetry is a row of the table registered? |

mod collected;
mod register;

use std::{fmt, sync::Arc};

use kcl_metrics::{Metrics, TABLE};
use opentelemetry::{KeyValue, metrics::Meter};

use self::collected::Collected;

/// The registered metrics of a worker. They report values as long as this value lives. A meter
/// never removes an instrument; after a drop the instruments report nothing.
#[must_use = "what is dropped tells nothing"]
pub struct Exported(Arc<Collected>);

impl Exported {
    /// Registers every instrument with `meter`. Each value has these attributes besides its labels:
    /// give two workers of one process different ones.
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
