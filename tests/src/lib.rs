//! What crosses crates.

pub mod kinesis;
pub mod servers;
