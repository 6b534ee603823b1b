//! What is proved on virtual time, in one program: it is linked once, and its tests share the
//! cores.
//!
//! `cargo test --workspace --test simulation FILTER` runs those whose path, which begins with the
//! name of a file or folder here, contains `FILTER`. The model is a program of its own
//! (`make model`).

mod absences;
mod bench;
mod closing;
mod frozen;
mod large_fleet;
mod marked;
mod observed;
#[cfg(kcl_planted)]
mod planted;
mod price;
mod processors;
mod promises;
mod reporting;
mod resets;
mod simulation;
mod skipping;
mod streams;
mod told;
mod traces;
mod weighted;
mod whole_workers;
mod workers;
mod your_processor;
