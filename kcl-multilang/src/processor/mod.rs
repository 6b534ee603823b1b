//! A record processor that is a child: what becomes of it, and of what it asks for.

mod checkpoint;
mod conversation;
mod factory;
mod lease;
mod shared;
mod store;

pub use factory::ChildProcessors;
pub use shared::Options;
pub use store::StoreTrouble;
