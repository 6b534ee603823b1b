//! Placement rules: which shards must or should be read by which worker.
//!
//! [`PlacementRules`] stand in a document of the store that is the operator's alone, [`Placement`].
//! It is written by command, or with what a process was started with: a [`Declaration`], by code,
//! from a YAML file or from `SHARD_MAPPING` ([`shard_mapping`]). A [`Resolver`] finds the rule of
//! each shard, through reshards. What it needs for that and no row says any more stands in a
//! document of the planner's, [`Inherited`].

mod children;
mod declaration;
mod document;
mod error;
mod fingerprint;
mod form;
mod inherited;
mod mapping;
mod marks;
mod resolver;
mod rule;
mod rules;

pub use children::Taking;
pub use declaration::{Declaration, Verdict};
pub use document::{Frozen, Origin, Placement};
pub use error::{InvalidInherited, InvalidMapping, InvalidPlacement};
pub use fingerprint::Fingerprint;
pub use inherited::Inherited;
pub use mapping::{shard_mapping, wanted_worker};
pub use marks::{GivenUp, LetGo, Marks, Said, Sent};
pub use resolver::{Resolved, Resolver};
pub use rule::{Mode, Rule, Target, Uncovered};
pub use rules::PlacementRules;

#[cfg(test)]
mod tests;
