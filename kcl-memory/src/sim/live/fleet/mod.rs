//! A fleet of whole workers on virtual time: plays one plan.
//!
//! | file | what it has |
//! |---|---|
//! | `world` | the run: stream, store, sink, processes, and the queue of events |
//! | `act`, `active_faults` | what a step of the plan does; which faults are in force until when |
//! | `process`, `clock`, `member` | a process as a set of tasks, its own clock, and its exit |
//! | `start` | how a worker is started, and what its end means |
//! | `tap`, `watch`, `event_listener` | wrappers of the source and of the processor; the worker's events |
//!
//! These three tell the ledger what a worker does; `tap` also adds the faults of the stream.

mod act;
mod active_faults;
mod clock;
mod event_listener;
mod member;
mod process;
mod start;
mod tap;
mod watch;
mod world;

pub(super) use active_faults::ActiveFaults;
pub(super) use process::Process;
pub(super) use world::{Played, play};
