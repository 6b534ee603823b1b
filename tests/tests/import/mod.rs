//! Leases of other libraries' tables: imported and exported by real processes, on real servers.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail the test")]

mod back;
mod beside;
mod broken;
mod fleet;
mod odd;
mod over;
mod recorded;
mod stage;
