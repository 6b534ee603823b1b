//! The table of instruments: the one place that defines each metric of a worker.
//!
//! Labels are few. Every series has `application`; a series of a stream also has `stream`; a series
//! of a shard also has `shard`, and exists only while this worker holds the lease. The scraper adds
//! the instance. What must not be forgotten when a lease moves is counted by stream.

mod kinds;
mod rows;

pub use kinds::{Kind, Label, Unit};
pub use rows::{Id, Instrument, TABLE};

pub(crate) use kinds::Scope;
