//! Shows what a worker does: one seam through which every fact passes to all observers.
//!
//! Every [`Observer`] receives each [`WorkerEvent`], each call to the lease store and to the
//! stream, and each batch of a processor, with the outcome and the duration. The log, the worker's
//! status, its loads and the events of its handle are observers themselves.
//! [`crate::worker::WorkerBuilder::observer`] adds yours:
//!
//! ```
//! use std::sync::atomic::{AtomicU64, Ordering};
//!
//! use kcl_core::observe::{BatchEnd, BatchEnded, Observer, StoreCallEnd, StoreCallEnded, Subject};
//!
//! /// Counts processed records, and failed calls to the store.
//! #[derive(Default)]
//! struct Counts {
//!     records: AtomicU64,
//!     failures: AtomicU64,
//! }
//!
//! impl Observer for Counts {
//!     fn batch(&self, _: &Subject, batch: &BatchEnded<'_>) {
//!         if batch.end == BatchEnd::Done {
//!             self.records.fetch_add(batch.records() as u64, Ordering::Relaxed);
//!         }
//!     }
//!
//!     fn store_call(&self, _: &Subject, call: &StoreCallEnded<'_>) {
//!         if matches!(call.end, StoreCallEnd::Failed(_) | StoreCallEnd::TimedOut(_)) {
//!             self.failures.fetch_add(1, Ordering::Relaxed);
//!         }
//!     }
//! }
//! ```
//!
//! | part | its question |
//! |---|---|
//! | `event` | which events are there? |
//! | `observer` | which facts does an observer receive, and about which worker or shard? |
//! | `seam` | which observers receive a fact? |
//! | `store`, `source`, `batch` | how did a call or a batch end, and how long did it take? |
//! | `log`, `warnings` | what is logged, and how often? |
//! | `status`, `told` | what does the worker's handle show? |
//! | `meter`, `loads` | how much load does each shard have? |
//! | `stuck` | which shards are stuck, and which record does the operator give up? |
//! | `report` | what does the worker write about itself into the store? |
//! | [`testing`] | how does a test call an observer? |

mod about;
mod batch;
mod event;
mod loads;
mod log;
mod meter;
mod notice;
mod observer;
mod report;
mod seam;
mod source;
mod status;
mod store;
mod stuck;
pub mod testing;
#[cfg(test)]
mod tests;
mod told;
mod warnings;

pub use crate::coordinator::LossReason;
pub use event::WorkerEvent;
pub use meter::{Arrived, LoadMeter};
pub use observer::{
    BatchEnd, BatchEnded, KeeperTurn, Observer, SourceCallEnd, SourceCallEnded, StoreCallEnd,
    StoreCallEnded, Subject,
};
pub use status::{LeaseStatus, WorkerStatus};

pub(crate) use batch::BatchInWork;
pub(crate) use loads::LoadBoard;
pub(crate) use report::ReportBoard;
pub(crate) use seam::Seam;
pub(crate) use source::WatchedSource;
pub(crate) use status::StatusBoard;
pub(crate) use store::WatchedStore;
pub(crate) use stuck::{GivenUp, StuckBoard};
pub(crate) use told::Told;
