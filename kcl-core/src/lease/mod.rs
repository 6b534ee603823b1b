//! Who may read a shard, and how far they got.
//!
//! The types of the coordination state and, in [`rules`], the meaning of every conditional write on
//! it. Pure: the memory store executes the rules, the model checker explores them, and the
//! conformance suite compares each real store with them.

mod changing;
mod checkpoint;
mod commands;
mod document;
mod identity;
mod key;
mod load;
mod record;
pub mod report;
mod row;
pub mod rules;
mod session;
mod streams;
mod write;

pub use changing::{ChangeState, Changing};
pub use checkpoint::{Checkpoint, InvalidCheckpoint};
pub use commands::{
    Acquire, Advance, Beat, Delete, DeleteDoc, EndSession, Ending, Forget, PutDoc, Release, Restart,
};
pub use document::{DocName, Document};
pub use identity::{Incarnation, InvalidName, SessionId, WorkerId, Zone};
pub use key::{InvalidLeaseKey, LeaseKey};
pub use load::Load;
pub use record::{CheckpointRecord, InvalidLeaseRecord, LeaseRecord};
pub use row::{Epoch, Lease, Progress};
pub use session::{EndReason, PlanVersion, Report, Session, SessionState};
pub use streams::Streams;
pub use write::{Generation, Stamp, Stamped, StoreTime, Write};
