//! Whole workers on real Redis servers that fail, stop and go back in time. The stream is in
//! memory.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail the test")]

mod bench;
mod failover;
mod outages;
mod wakeups;
