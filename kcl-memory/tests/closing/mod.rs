//! Closing an application, searched: every order of what can happen in a small world.
//!
//! The run of a command is the real one (`kcl_core::change::Closing`), and so are the rules of the
//! store; up to three late writes of the dead land, runs crash, their writes land late, commands
//! are started again, taken back, and run two at once.

#![allow(clippy::unwrap_used, clippy::panic, reason = "what goes wrong here fails the test")]

mod scene;
mod search;
mod small;
pub(crate) mod smallest;
mod store;
mod sum;
