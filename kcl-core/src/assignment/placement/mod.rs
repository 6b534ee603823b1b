//! Placement rules: which shards must or should be read by which worker.
//!
//! [`PlacementRules`] are a document in the store that is the operator's alone, seeded from a YAML
//! file, from `SHARD_MAPPING` ([`shard_mapping`]) or by code. A [`Resolver`] finds the rule of each
//! shard, through reshards. What it needs for that and no row says any more stands in a document of
//! the planner's, [`Inherited`].

mod children;
mod error;
mod form;
mod inherited;
mod mapping;
mod resolver;
mod rule;
mod rules;

pub use children::Taking;
pub use error::{InvalidInherited, InvalidMapping, InvalidPlacement};
pub use inherited::Inherited;
pub use mapping::shard_mapping;
pub use resolver::{Resolved, Resolver};
pub use rule::{Mode, Rule, Target, Uncovered};
pub use rules::PlacementRules;

#[cfg(test)]
mod tests;
