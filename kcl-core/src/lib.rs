//! Coordinates a fleet of workers that share the shards of a Kinesis stream.
//!
//! Start at [`worker::Worker`]. Its builder takes three parts:
//!
//! | part | what it does | who writes it |
//! |---|---|---|
//! | [`stream::StreamSource`] | reads the stream | `kcl-kinesis` |
//! | [`store::LeaseStore`] | keeps all rows | `kcl-dynamo`, `kcl-postgres`, `kcl-redis` |
//! | [`processor::RecordProcessor`] | processes the records of one shard | you |
//!
//! `kcl-memory` has a source and a store for tests. [`settings::Settings`] holds every setting.
//! [`observe::Observer`] receives every event, store call, stream call and batch.
//!
//! Delivery is at least once and in order within a shard. After a lease changes hands, records
//! since the last stored checkpoint are delivered again. Two owners may process the same shard for
//! a moment; [`processor::Fence`] lets a sink refuse the older one.
//!
//! The pure folders ([`lease`], [`assignment`], [`lineage`], `coordinator`) read no clock and use
//! no runtime. Their callers pass time and randomness as arguments, so that the same code runs
//! against a real store and inside the simulator.
//!
//! # Features
//! | feature | what it adds |
//! |---|---|
//! | `conformance` | the suite that every lease store must pass; not covered by semantic versioning |
//! | `unstable-simulation` | the protocol as a state machine (`coordinator`, `change::Closing`) and the gate of a run (`worker::gate`), for a simulator that drives them: **no promises at all**, any release may change it |

#[cfg(not(kcl_planted))]
#[macro_use]
mod planted;
#[cfg(kcl_planted)]
#[macro_use]
pub mod planted;

pub mod assignment;
pub mod change;
#[cfg(any(test, feature = "conformance"))]
pub mod conformance;
#[cfg(feature = "unstable-simulation")]
pub mod coordinator;
#[cfg(not(feature = "unstable-simulation"))]
#[allow(dead_code, unreachable_pub, unused_imports, reason = "a simulator sees more of it")]
mod coordinator;
pub mod env;
mod explain;
pub mod lease;
pub mod lineage;
pub mod observe;
pub mod placing;
pub mod processor;
pub mod settings;
pub mod store;
pub mod stream;
pub mod worker;

pub use explain::explain;
