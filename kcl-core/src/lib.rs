//! Coordination of a fleet of workers that share the shards of a Kinesis stream.
//!
//! Start at [`worker::Worker`], which puts together a [`stream::StreamSource`] (what is read), a
//! [`store::LeaseStore`] (where the coordination state is kept) and a
//! [`processor::RecordProcessor`] (what you write). The pure folders ([`lease`], [`assignment`],
//! [`lineage`], `coordinator`) know neither clock nor runtime: time and randomness are arguments,
//! so that the same code runs against a real store and inside the simulator.
//!
//! # Features
//! | feature | what it adds |
//! |---|---|
//! | `conformance` | the suite that every lease store must pass; not covered by semantic versioning |
//! | `unstable-simulation` | the protocol as a state machine (`coordinator`, `change::Closing`), for a simulator that drives it: **no promises at all**, any release may change it |

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
