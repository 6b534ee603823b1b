//! What crosses crates.

pub mod conformance;
pub mod dynamo;
pub mod kinesis;
pub mod postgres;
pub mod servers;
