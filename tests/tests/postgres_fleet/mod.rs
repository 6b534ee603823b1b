//! Whole fleets of workers whose leases are in PostgreSQL. The stream is in memory.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail the test")]
#![expect(clippy::print_stderr, reason = "how long a switch took is for people")]
#![expect(clippy::disallowed_methods, reason = "real servers, so real time")]

mod bench;
mod corrupt;
mod sharing;
mod switch;
mod transactional;
