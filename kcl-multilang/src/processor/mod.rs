//! A record processor that passes each call on to a child process.
//!
//! ```text
//! ChildProcessors (factory) ─► ChildProcessor (one lease) ─► Conversation ─► Child
//!                                                                 │
//!                                         checkpoint requests ─► Checkpoints ─► LeaseHandle
//! ```
//!
//! A child that fails is killed, and its processor returns
//! [`Forgotten`](kcl_core::processor::Forgotten): the worker makes a new processor, with a new
//! child, behind the last checkpoint. Nothing is asked of a failed child again.

mod checkpoint;
mod conversation;
mod factory;
mod lease;
mod shared;
mod store;

pub use factory::ChildProcessors;
pub use shared::Options;
pub use store::StoreTrouble;
