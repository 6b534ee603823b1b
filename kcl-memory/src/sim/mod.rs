//! Simulates whole fleets on virtual time, and checks the invariants of the protocol at every step.
//!
//! There are two simulators, and a judge for runs that are not simulated:
//!
//! - [`World`] plays the real coordinators (`kcl_core::coordinator`) over the real rules of writes
//!   (`kcl_core::lease::rules`). Keeper, network, store, stream and processors are models. The
//!   tests of the protocol and `kcl simulate` use it.
//! - `Simulation` (feature `simulation`) plays whole workers with the user's processor. Stream,
//!   store and sink are in memory, and the clock is virtual. Tests of a processor use it.
//! - [`Judge`] plays nothing. A test that observes real processes on real servers tells it what
//!   they did.
//!
//! # How a simulated run works
//!
//! ```text
//!  Script ───► World ──────────────► Fact ───► Oracle ───────► Violation ───► Finding
//!  a file,     SimEvents in order    what is   Known and       the first      script and violation
//!  a seed,     of time; each acts    true      the invariants  ends the run      │
//!  proptest    on hosts, network,                                                ▼
//!              store and stream                             a file ◄─── shrink: a shorter script
//!                                                                       that breaks the same
//! ```
//!
//! 1. A [`Script`] is the whole input: seed, fleet, stream, network, and [`Step`]s, each an
//!    [`Action`] at a time. It is also a text file. The same script gives the same run.
//! 2. [`World`] takes one event after the other from a queue. An event reaches a host, whose
//!    coordinator answers with commands. A command becomes a call on the simulated [`Network`], or
//!    reaches the modelled run of a lease, by the gate of production
//!    (`kcl_core::worker::gate`). Either puts new events into the queue.
//! 3. When something becomes true (a row changed, a batch was dispatched), the world tells the
//!    oracle a `Fact`. The oracle asks each invariant, and then updates `Known`: what is true of
//!    the run, kept outside of the code under test.
//! 4. The first broken invariant ends the run with a [`Violation`]. After a calm end
//!    ([`Ending::Calm`]) the oracle also checks liveness: every lease is owned, run and balanced.
//! 5. [`Finding::shrunk`] searches with [`shrink()`] for a shorter script that breaks the same
//!    invariant, and [`Finding::save`] writes it to a file that can be played again.
//!
//! [`Campaign`] plays many seeds on several threads.
//!
//! # How the second simulator differs
//!
//! `live` runs the code of production: `Worker`, its keeper, readers and processors are tokio tasks
//! on a paused clock. It therefore finds faults between the worker and a processor, which the first
//! simulator only models, and it is about a thousand times slower. Its input is a `Plan`. Its
//! `ledger` records what was put, delivered, acknowledged and written, and tells an oracle with the
//! invariants of whole workers.
//!
//! # Where to look
//!
//! | part | its question |
//! |---|---|
//! | `script`, `action` | what happens to the fleet, as data and as text |
//! | `world`, `network`, `store`, `stream` | what follows from it |
//! | `queue` | which event is next; both simulators use it |
//! | `fact`, `known` | what became true, and what is true so far |
//! | `oracle`, `invariant`, `invariants` | whether that is allowed |
//! | `finding`, `shrink`, `campaign` | scripts that break an invariant; many seeds |
//! | `search` | which input is simpler and fails alike; both simulators use it |
//! | `judge` | whether a run of real processes, or the history of a real row, was allowed |
//! | `timeline`, `report` | which worker held what when, for pictures; the counts of a run |
//! | `live` | the second simulator |

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
mod search;
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
