//! Placement rules: which shards must or should be read by which worker.
//!
//! [`PlacementRules`] are a document in the store, seeded from a YAML file, from `SHARD_MAPPING`
//! ([`shard_mapping`]) or by code. A [`Resolver`] finds the rule of each shard, through reshards.

mod error;
mod form;
mod mapping;
mod resolver;
mod rule;
mod rules;

pub use error::{InvalidMapping, InvalidPlacement};
pub use mapping::shard_mapping;
pub use resolver::{Resolved, Resolver};
pub use rule::{Mode, Rule, Target, Uncovered};
pub use rules::PlacementRules;

#[cfg(test)]
mod tests;
