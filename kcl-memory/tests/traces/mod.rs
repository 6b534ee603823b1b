//! Histories that broke simpler protocols, each a test with a name of its own.
//!
//! Whole fleets of real coordinators on the simulator's event heap; single calls are held, lost or
//! repeated by hand. Every invariant is checked at every step, and at the end that the fleet
//! settled.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "what goes wrong fails the test")]

pub(crate) mod ends;
pub(crate) mod heads;
pub(crate) mod lost_writes;
pub(crate) mod marks;
pub(crate) mod moves;
pub(crate) mod placement;
pub(crate) mod planners;
pub(crate) mod sessions;
pub(crate) mod stage;
pub(crate) mod streams;
pub(crate) mod unreadable;
