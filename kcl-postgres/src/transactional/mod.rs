//! Processors that commit the effects of each batch together with its checkpoint.
//!
//! The last statement of a batch's transaction advances the lease's row, if owner and epoch are
//! still those of this session and the checkpoint is still the one at which the batch began.
//! Effects and checkpoint then commit together or not at all. The statement is the *last*, so that
//! a worker that is paused during the batch holds no lock for which its successor would wait.
//!
//! If the answer to a commit is lost, the processor reads the row under its lock. The transaction
//! in doubt held that lock before its commit was sent, so the row shows the final outcome. The
//! compare of the checkpoint, and not the epoch, keeps a batch from being applied twice by one
//! owner.

mod error;
mod ledger;
mod processor;
mod run;

pub use processor::{TxFactory, TxProcessor};
pub use run::{Transactional, transactional};
