//! Placement rules: which shards must or should be read by which worker.
//!
//! [`PlacementRules`] are in [`Placement`], a document of the store that the operator alone
//! changes: by command, or by starting a process with a [`Declaration`] (in code, from a YAML file,
//! or from `SHARD_MAPPING`, see [`shard_mapping`]). Beside the rules it holds [`Marks`] for single
//! workers and leases.
//!
//! A [`Resolver`] finds the rule of each shard, also after reshards: children follow the rule of
//! their nearest ancestor that has one. If the rows of the ancestors were deleted, it finds the
//! rule by [`Inherited`], a document that the planner writes.

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
