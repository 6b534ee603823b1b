//! Bugs on purpose: each must be noticed, or the tests prove nothing.
//!
//! A build of its own (`make mutants`): under `--cfg kcl_planted` the library carries switches for
//! bugs ([`kcl_core::planted::Plant`]) and marks on the branches that matter
//! ([`kcl_core::planted::Mark`]). Each bug is tried on the same seeds, traces, bounds and counts
//! that the healthy code passes here too.

#![cfg(kcl_planted)]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "what goes wrong fails the test"
)]
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a table is printed")]

mod bounds;
mod checks;
mod counts;
#[path = "../traces/ends.rs"]
mod ends;
#[path = "../traces/heads.rs"]
mod heads;
mod kill;
mod lab;
#[path = "../traces/lost_writes.rs"]
mod lost_writes;
mod marks;
#[path = "../traces/moves.rs"]
mod moves;
mod overtaken;
#[path = "../traces/placement.rs"]
mod placement;
#[path = "../traces/planners.rs"]
mod planners;
mod plans;
mod rarely;
mod restarts;
#[path = "../closing/scene.rs"]
mod scene;
mod scripts;
#[path = "../closing/search.rs"]
mod search;
#[path = "../traces/sessions.rs"]
mod sessions;
#[path = "../closing/small.rs"]
mod small;
#[path = "../closing/smallest.rs"]
mod smallest;
#[path = "../traces/stage.rs"]
mod stage;
#[path = "../closing/store.rs"]
mod store;
#[path = "../traces/streams.rs"]
mod streams;
mod table;
#[path = "../workers.rs"]
mod workers;
