//! A fleet of whole workers on virtual time.

mod act;
mod clock;
mod ears;
mod member;
mod process;
mod start;
mod tap;
mod watch;
mod weather;
mod world;

pub(super) use process::Process;
pub(super) use weather::Weather;
pub(super) use world::{Played, play};
