//! Histories that broke simpler protocols, each a test with a name of its own.
//!
//! Whole fleets of real coordinators on the simulator's event heap; single calls are held, lost or
//! repeated by hand. Every invariant is checked at every step, and at the end that the fleet
//! settled.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "what goes wrong fails the test")]

mod ends;
mod heads;
mod lost_writes;
mod moves;
mod placement;
mod planners;
mod sessions;
mod stage;
mod streams;
mod unreadable;
