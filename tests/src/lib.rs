//! Helpers for the tests that cross crates: real servers, real `kcl` processes, and judges of what
//! those did. The tests themselves are in `tests/tests`.
//!
//! | module | what it has |
//! |---|---|
//! | [`servers`] | servers of DynamoDB, Kinesis, PostgreSQL, Redis and others, started and broken |
//! | [`fleet`] | fleets of `kcl consume` processes, their output, and its judge |
//! | [`kinesis`], [`dynamo`], [`postgres`] | streams and clients of these servers |
//! | [`conformance`], [`sources`] | runs the conformance suites on stores and stream sources |
//! | [`dashboard`], [`browser`] | a dashboard as a process, and a browser that uses it |
//! | [`experiment`] | the published experiment of another library |
//! | [`filled`] | stores with an application of any size |
//!
//! A test that needs a server and finds none fails.

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

/// The examples of the guide, which run as doc tests.
#[cfg(doctest)]
#[doc = include_str!("../../docs/GUIDE.md")]
#[derive(Debug)]
pub struct Guide;

/// The examples of the README, which run as doc tests.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
#[derive(Debug)]
pub struct Readme;

/// The examples of the page on metrics, which run as doc tests.
#[cfg(doctest)]
#[doc = include_str!("../../docs/METRICS.md")]
#[derive(Debug)]
pub struct Metrics;
