//! Whole fleets on one event heap: the real coordinators over `lease::rules`, on virtual time.
//!
//! A run is a [`Script`]: a fleet, a stream, a network, and what happens to them when. It is text
//! in a file as well; a seed is one way to make one, proptest another. The same script gives the
//! same run. A script that breaks an invariant is shrunk ([`shrink`]) and kept ([`Finding`]).
//!
//! | part | its question |
//! |---|---|
//! | `script`, `action` | what happens, as data and as text |
//! | `world` | what comes of it |
//! | `fact`, `known` | what happened, and what that makes true |
//! | `oracle`, `invariant`, `invariants` | is that allowed? |
//! | `judge` | was it allowed, in a run that was not simulated, or of a real row? |
//! | `timeline` | who held what when, for pictures |
//! | `queue` | what is next |
//! | `campaign` | many seeds, side by side |
//! | `live` | the same for whole workers and a user's own processor |

mod action;
mod campaign;
mod fact;
mod finding;
mod invariant;
mod invariants;
mod judge;
mod known;
#[cfg(feature = "simulation")]
pub mod live;
mod network;
mod oracle;
mod queue;
mod report;
mod script;
mod shrink;
mod store;
mod stream;
mod timeline;
mod world;

pub use action::Action;
pub use campaign::{Campaign, Tally};
pub use finding::Finding;
#[cfg(feature = "conformance")]
pub use judge::judge_row;
pub use judge::{Delivered, Judge, Repeat};
#[cfg(feature = "simulation")]
pub use live::{
    Broken, EffectOf, Failure, Fault, InvalidPlan, Plan, Simulation, Sink, SinkError, Summary,
};
pub use network::Network;
pub use oracle::Violation;
pub use report::Report;
pub use script::{Ending, Script, ScriptError, Step};
pub use shrink::shrink;
pub use timeline::{Happened, ShardLife, Span, Timeline};
pub use world::{Fate, InterceptorId, World};

/// Plays a script to its end.
///
/// # Errors
/// The first violation of an invariant.
pub fn play(script: &Script) -> Result<Report, Violation> {
    World::new(script.clone()).play()
}
