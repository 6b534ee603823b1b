//! Fleets of real processes against real servers: what no simulation can show.
//!
//! Every test has a stream and an application of its own, with the command's default settings
//! unless it says otherwise. What comes out of each consumer is judged by an oracle.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail the test")]

mod bad_input;
mod cloudwatch;
mod commands;
mod dead_letters;
mod dying;
mod experiment;
pub(crate) mod fake;
mod growing;
mod leaving;
pub(crate) mod local;
mod marks;
mod metrics;
mod output;
mod pausing;
mod peeking;
mod placement;
mod poc;
mod producing;
mod prometheus;
mod regions;
mod resetting;
mod rolling;
mod sharing;
mod signals;
pub(crate) mod skipping;
pub(crate) mod stage;
mod terminal;
