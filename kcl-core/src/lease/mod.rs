//! The coordination state: which session may read a shard, and the checkpoint of each shard.
//!
//! | rows | types |
//! |---|---|
//! | leases | [`Lease`] by [`LeaseKey`], with [`Epoch`], [`Checkpoint`] and [`Progress`] |
//! | sessions | [`Session`] by [`SessionId`], with the [`Report`] of its last beat |
//! | documents | [`Document`] by [`DocName`], with a version |
//!
//! [`Acquire`], [`Advance`] and the other commands are the conditional writes as data, [`Write`] is
//! their answer, and [`rules`] defines the effect of each as a pure function. The memory store
//! executes these rules, the model checker explores them, and the conformance suite compares each
//! store with them. This module calls no store.

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
