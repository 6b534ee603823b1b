//! Whole workers on real Redis servers that fail, stop and go back in time. The stream is in
//! memory.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail the test")]
#![expect(clippy::print_stderr, reason = "how long a switch took is for people")]

mod bench;
mod failover;
mod outages;
mod wakeups;
