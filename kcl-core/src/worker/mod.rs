//! Runs a worker: this async shell executes the coordinator's commands on a store and a stream.
//!
//! ```text
//! keeper's own thread          the user's runtime
//! Keeper + Coordinator  ─────► Supervisor ──► one run for each held lease
//!   │        │                                   fetcher ──► delivery ──► RecordProcessor
//!   ▼        └── gate: "may this run dispatch?" ────────────────┘
//! LeaseStore
//! ```
//!
//! - The keeper runs on a thread and a runtime of its own and owns the coordinator. A processor
//!   that blocks every thread of the user's runtime therefore loses no lease.
//! - The supervisor starts one run for each held lease, describes the stream and lists its shards.
//! - A run has a fetcher, which reads ahead within the worker's byte budget, and a delivery loop,
//!   which checks the gate and hands one batch at a time to the processor.
//!
//! The shell decides nothing about leases; the coordinator does.

mod budget;
mod builder;
mod call;
mod catch;
mod declaring;
mod default_id;
mod error;
#[cfg(feature = "unstable-simulation")]
pub mod gate;
#[cfg(not(feature = "unstable-simulation"))]
#[allow(unreachable_pub, reason = "a simulator drives it, too")]
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
