//! Whole fleets on one event heap: the real coordinators over `lease::rules`, on virtual time.
//!
//! A run is a [`Script`]: a fleet, a stream, a network, and what happens to them when. Proptest
//! makes and shrinks scripts; a seed is one way to make one. The same script gives the same run.

mod act;
mod action;
mod facts;
mod host;
mod intercept;
mod invariants;
#[cfg(feature = "simulation")]
pub mod live;
mod look;
mod network;
mod oracle;
mod report;
mod run;
mod script;
mod store;
mod stream;
mod world;

pub use action::Action;
pub use intercept::{Fate, InterceptorId};
#[cfg(feature = "simulation")]
pub use live::{
    Broken, EffectOf, Failure, Fault, InvalidPlan, Plan, Simulation, Sink, SinkError, Summary,
};
pub use network::Network;
pub use oracle::Violation;
pub use report::Report;
pub use script::{Script, Step};
pub use world::World;

/// Plays a script to its end.
///
/// # Errors
/// The first violation of an invariant.
pub fn play(script: &Script) -> Result<Report, Violation> {
    World::new(script.clone()).play()
}
