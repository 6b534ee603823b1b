//! Decides which leases must exist for the shards of a stream, and which may be deleted.
//!
//! A shard is split or merged into children, which are read after all of their parents. A lease is
//! made
//!
//! - for the shards that a stream starts with ([`reconcile`] without rows);
//! - for a child, when a parent ends: by the parent's owner, or here if the owner died before;
//! - for any other shard that the stream lists and no row leads to.
//!
//! It is deleted when the stream has forgotten its shard and no other shard depends on the row.
//!
//! Pure: a [`Lineage`] of shards and rows comes in, [`Changes`] go out. The planner carries them
//! out.

mod coverage;
mod graph;
mod reconcile;
mod start;

pub use coverage::gaps;
pub use graph::Lineage;
pub use reconcile::{Changes, Problem, reconcile};
pub use start::FrozenStart;

#[cfg(test)]
mod tests;
