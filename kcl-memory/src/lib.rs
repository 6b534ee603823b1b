//! A lease store and a stream in memory: for tests of processors, for the simulator, and as the
//! reference that other stores are compared with.
//!
//! - [`MemoryStore`] executes `kcl_core::lease::rules` on maps; [`MemoryServer`] is what several
//!   stores share, and can go back in time like a database that lost its last writes.
//! - [`MemoryStream`] has shards that take records, split, merge, trim and end, and remembers
//!   everything ever put.
//! - [`sim`] runs whole fleets on virtual time, under faults, and checks what must hold; its
//!   `Simulation` does that with a processor of yours, in a test of a few lines.
//! - [`virtual_env`] makes a worker run on tokio's paused clock: hours in milliseconds.
//! - [`faults`] puts latency, lost replies, late writes and stale reads between a worker and any
//!   store.
//!
//! ```
//! use kcl_memory::{MemoryStore, MemoryStream};
//!
//! # fn main() -> kcl_core::stream::SourceResult<()> {
//! // What a worker under test is given.
//! let store = MemoryStore::new("order-indexer");
//! let stream = MemoryStream::new("orders", 2);
//!
//! // What a test does meanwhile.
//! let put = stream.put("customer-7", "an order")?;
//! let children = stream.split(&put.shard)?;
//! stream.put("customer-7", "another order")?;
//!
//! // What the worker must have seen, by shard: two first ones and two children.
//! let all = stream.history();
//! assert_eq!(all.len(), 4);
//! assert!(children.contains(&all[2].shard.id));
//! # let _ = store;
//! # Ok(())
//! # }
//! ```

mod env;
pub mod faults;
pub mod sim;
pub mod store;
pub mod stream;

pub use env::virtual_env;
pub use faults::Faulty;
pub use store::{MemoryServer, MemoryStore};
pub use stream::MemoryStream;
