//! Checkpoints that commit with their effects.
//!
//! The last statement of a batch's transaction advances the lease's row, on condition that owner
//! and epoch are still this session's and the checkpoint still is where the batch began. Then
//! either all of it commits or nothing. It is the *last* so that a paused worker holds no lock that
//! its successor would wait for.
//!
//! Whoever does not hear whether a commit was done reads the row under its lock: the transaction in
//! doubt held that lock before the commit was sent, so the answer is final. The epoch stays as it
//! is, since the rest of the worker holds the lease under it; the compare-and-set on the position
//! is what refuses a second application.

mod error;
mod ledger;
mod processor;
mod run;

pub use processor::{TxFactory, TxProcessor};
pub use run::{Transactional, transactional};
