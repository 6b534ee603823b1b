//! Fleets of real processes whose lease store is in trouble, or the way to it: on DynamoDB,
//! PostgreSQL and Redis alike, nothing is skipped, no checkpoint goes back, and nothing moves that
//! need not.
//!
//! Every test has a stream and an application of its own. Sessions time out after 3 s.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail the test")]

mod backend;
mod missing;
mod network;
mod outage;
mod stage;
mod worker;
