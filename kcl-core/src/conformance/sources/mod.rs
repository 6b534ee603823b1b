//! A test suite that compares a stream source with the contract of
//! [`StreamSource`](crate::stream::StreamSource) and [`ShardReader`](crate::stream::ShardReader).
//!
//! The author of a source writes a [`SourceFactory`] and passes it to [`run`]. The factory makes
//! streams; the [`StreamBench`] of each stream puts records, splits and merges shards, trims, and
//! makes reads fail. Each case has a stream of its own.
//!
//! The factory names the abilities that its server lacks ([`SourceFactory::lacks`]). The suite
//! leaves out the cases that need them, and the report names them; a test of the source should
//! compare their number.
//!
//! Each source has to test two more promises itself, because no server can be made to show them: an
//! open reader reports records that are trimmed before it has read them, and a reader reports an
//! end without proof as such (`proven: false`).
//!
//! The suite runs on any tokio runtime, and on one with a paused clock if the source uses that
//! clock. Semantic versioning does not cover its names and cases: a new release may require more of
//! a source.

mod bench;
mod case;
mod cases;
mod factory;
mod reading;
mod suite;

pub use case::Case;
pub use cases::ALL;
pub use factory::{Made, Need, SourceFactory, StreamBench, Trouble};
pub use suite::{Suite, run};
