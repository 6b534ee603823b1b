//! What crosses crates.

pub mod browser;
pub mod conformance;
pub mod dashboard;
pub mod dynamo;
pub mod experiment;
pub mod filled;
pub mod fleet;
pub mod kinesis;
pub mod postgres;
pub mod servers;
pub mod sources;

/// The examples of the guide.
#[cfg(doctest)]
#[doc = include_str!("../../docs/GUIDE.md")]
#[derive(Debug)]
pub struct Guide;

/// The examples of the README.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
#[derive(Debug)]
pub struct Readme;

/// The examples of the page on metrics.
#[cfg(doctest)]
#[doc = include_str!("../../docs/METRICS.md")]
#[derive(Debug)]
pub struct Metrics;
