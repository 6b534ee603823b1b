//! What the user writes: a [`RecordProcessor`], and the types that the worker passes to it.
//!
//! A worker calls a [`ProcessorFactory`] once for each lease that it acquires. The processor gets
//! one [`RecordBatch`] at a time, in the order of the shard, with a [`LeaseHandle`]:
//!
//! ```text
//! create ──► start ──► process ──► process ──► … ──► stop(ShardEnd | Leaving | Lost)
//!                         └── an error: the same batch again, as the failure policy says
//! ```
//!
//! Calls on one processor never overlap; processors of different shards run at the same time.
//! [`TestLease`] tests a processor without a worker.

mod error;
mod factory;
mod fence;
mod handle;
mod records;
mod testing;
mod traits;

pub use error::{CheckpointError, Forgotten, ProcessorError};
pub use factory::{ProcessorFactory, from_batches};
pub use fence::Fence;
pub(crate) use handle::HandleParts;
pub use handle::LeaseHandle;
pub use records::RecordBatch;
pub use testing::TestLease;
pub use traits::{RecordProcessor, Stop};
