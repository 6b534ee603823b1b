//! Coordination of a fleet of workers that share the shards of a Kinesis stream.
//!
//! Start at [`stream::StreamSource`] (what is read), [`store::LeaseStore`] (where the coordination
//! state is kept) and the worker that puts both together. The pure folders ([`lease`],
//! `assignment`, `lineage`, `coordinator`) know neither clock nor runtime: time and randomness are
//! arguments, so that the same code runs against a real store and inside the simulator.

#[cfg(feature = "conformance")]
pub mod conformance;
pub mod env;
pub mod lease;
pub mod store;
pub mod stream;
