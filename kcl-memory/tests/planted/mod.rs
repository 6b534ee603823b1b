//! Bugs on purpose: each must be noticed, or the tests prove nothing.
//!
//! A build of its own (`make mutants`): under `--cfg kcl_planted` the library carries switches for
//! bugs ([`kcl_core::planted::Plant`]) and marks on the branches that matter
//! ([`kcl_core::planted::Mark`]). Each bug is tried on the same seeds, traces, bounds and counts
//! that the healthy code passes here too.

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
mod kill;
mod lab;
mod marks;
mod overtaken;
mod plans;
mod rarely;
mod restarts;
mod scripts;
mod table;
