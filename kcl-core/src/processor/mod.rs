//! What the user writes: a processor of records, and what it is handed.

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
