//! The async shell around the coordinator: a keeper that talks to the store, and a task per shard.
//!
//! The keeper runs on a thread and runtime of its own and owns the coordinator; a processor that
//! blocks every thread of the user's runtime loses no lease. On the user's runtime a supervisor
//! starts one run per held lease: a fetcher that reads ahead within the worker's byte budget, and
//! a delivery loop that hands batches to the processor and looks at its gate before each.

mod budget;
mod builder;
mod call;
mod catch;
mod declaring;
mod default_id;
mod error;
pub(crate) mod gate;
mod handle;
mod keeper;
mod listing;
mod prepare;
mod ready;
mod remaking;
mod run;
mod skipping;
mod supervisor;
mod waking;

pub(crate) use call::carry_out;
pub(crate) use listing::list;

pub use crate::coordinator::LossReason;
pub use crate::observe::{LeaseStatus, WorkerEvent, WorkerStatus};
pub use builder::{NoProcessor, WithProcessor, Worker, WorkerBuilder};
pub use error::WorkerError;
pub use handle::WorkerHandle;
pub use run::DeadLetter;
