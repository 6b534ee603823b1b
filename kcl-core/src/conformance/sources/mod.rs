//! What every stream source must show.
//!
//! A source is proved by one [`SourceFactory`] handed to [`run`]: it makes streams, and does to
//! them what producers, operators and a bad day do. Each case has a stream of its own.
//!
//! What a server cannot be made to do the factory says beforehand ([`SourceFactory::lacks`]). The
//! cases that need it are named in the report as left out, and a test compares how many there are.
//!
//! Two promises are left to tests of each source, since no server can be asked for what they are
//! about: that a live reader notices what is trimmed before it, and that an end without proof is
//! told as such.
//!
//! The suite runs on tokio, with a paused clock too if the source keeps to that. Its names and
//! cases are not covered by semantic versioning: a new release may ask more of a source.

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
