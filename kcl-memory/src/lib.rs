//! A lease store and a stream in memory: for tests of processors, for the simulator, and as the
//! reference that other stores are compared with.
//!
//! - [`MemoryStore`] executes `kcl_core::lease::rules` on maps; [`MemoryServer`] is what several
//!   stores share, and can go back in time like a database that lost its last writes.
//! - [`MemoryStream`] has shards that take records, split, merge, trim and end, and remembers
//!   everything ever put.
//! - [`faults`] puts latency, lost replies, late writes and stale reads between a worker and any
//!   store.

pub mod faults;
pub mod store;
pub mod stream;

pub use faults::Faulty;
pub use store::{MemoryServer, MemoryStore};
pub use stream::MemoryStream;
