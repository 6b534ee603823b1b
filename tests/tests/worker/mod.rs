//! Whole workers, the real async code, on the stores and streams in memory. Most run on virtual
//! time; what is about threads runs on the real machine.

#![allow(clippy::unwrap_used, reason = "what goes wrong here fails the test")]

mod bench;
mod buffering;
mod delivery;
mod failures;
mod fleet;
mod forgetting;
mod readers;
mod reading;
mod sharing;
mod starting;
mod threads;
