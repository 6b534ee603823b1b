//! A fleet of whole workers on virtual time.

mod act;
mod active_faults;
mod clock;
mod ears;
mod member;
mod process;
mod start;
mod tap;
mod watch;
mod world;

pub(super) use active_faults::ActiveFaults;
pub(super) use process::Process;
pub(super) use world::{Played, play};
