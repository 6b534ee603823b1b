//! Which leases must exist for the shards that exist, and which may go.
//!
//! A shard is split or merged into children; children are read after all of their parents. A lease
//! is made for the shards a stream starts with ([`reconcile`] on no rows), for children when a
//! parent ends (by the parent's owner, or here if the owner died in between), and for whatever the
//! stream lists and nothing leads to. It is deleted when the stream has forgotten its shard and
//! nothing depends on the row any more.
//!
//! Pure: shards and rows come in, changes go out.

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
