//! Whole workers on real Redis servers that fail, stop and go back in time. The stream is in memory.

mod bench;
mod failover;
mod outages;
mod wakeups;
