//! Whole workers on virtual time: a test of your own record processor.
//!
//! A [`Simulation`] runs your [`RecordProcessor`](kcl_core::processor::RecordProcessor) in a fleet
//! of real workers (the code that runs in production) over a stream, a lease store and a [`Sink`]
//! in memory. Each seed draws what goes wrong: processes crash, stand still, leave and come back;
//! shards split and merge; stream, store and sink are slow, silent or failing. Then it looks at the
//! effects: is a record missing, were two of them written in the wrong order?
//!
//! ```
//! use kcl_memory::sim::Simulation;
//!
//! // A #[test] like any other.
//! fn no_order_is_skipped_whatever_happens() {
//!     Simulation::for_each_batch(|sink, batch| async move {
//!         for record in &batch {
//!             sink.write(record, batch.fence()).await?; // your code, on a sink that may fail
//!         }
//!         Ok(())
//!     })
//!     .check();
//! }
//! # no_order_is_skipped_whatever_happens();
//! ```
//!
//! A processor with a state of its own is made as in production, by a factory. It gets its sink
//! where it would get its database:
//!
//! ```
//! # use async_trait::async_trait;
//! # use kcl_core::processor::{LeaseHandle, ProcessorError, RecordBatch, RecordProcessor};
//! # use kcl_memory::sim::{Simulation, Sink};
//! # struct OrderIndexer(Sink);
//! # impl OrderIndexer {
//! #     fn new(sink: Sink) -> Self {
//! #         Self(sink)
//! #     }
//! # }
//! # #[async_trait]
//! # impl RecordProcessor for OrderIndexer {
//! #     async fn process(&mut self, b: RecordBatch, _: &LeaseHandle)
//! #     -> Result<(), ProcessorError> {
//! #         for record in &b {
//! #             self.0.write(record, b.fence()).await?;
//! #         }
//! #         Ok(())
//! #     }
//! # }
//! Simulation::new(|sink| move |_: &LeaseHandle| OrderIndexer::new(sink.clone())).check();
//! ```
//!
//! # How a run works
//!
//! A [`Plan`] is the input: seed, workers, shards, records, and steps, each a [`Fault`] at a time.
//! Each worker is a simulated process: a set of tokio tasks that can be stopped, resumed and killed
//! together. The processes share one thread, one lease store and one stream; each has a clock of
//! its own. A ledger records what was put, delivered, acknowledged and written, and the run stops
//! at the first violation. After the last fault the fleet has four minutes of virtual time to
//! process everything; then every worker is asked to leave. A plan that was drawn and fails is
//! shrunk. One seed in a hundred is played twice, and both runs must be alike.
//!
//! # What you supply
//!
//! - **The processor**, writing to the [`Sink`] through whatever trait or wrapper hides its real
//!   sink. Each effect names its record: by the record itself, by its position, or by the number it
//!   got in [`Simulation::produce`].
//! - If it is told apart, **what kind of sink** it is: [`Sink::write`] has every write,
//!   [`Sink::write_once`] has each key once, [`Sink::write_fenced`] refuses former owners. With
//!   [`Sink::shared`], [`Sink::reach`] and [`Sink::note`] you make one of your own.
//! - **What you expect**, if it is more than at least once and in order:
//!   [`exactly_once`](Simulation::exactly_once), [`no_stale_writes`](Simulation::no_stale_writes),
//!   [`verify`](Simulation::verify); or less: [`ordered_by_key`](Simulation::ordered_by_key),
//!   [`unordered`](Simulation::unordered), [`only`](Simulation::only).
//!
//! # What a failure tells
//!
//! The record that is missing or wrong, with its shard and sequence number, and its story: who was
//! given it, who wrote it under which epoch, what failed. Then the shortest [`Plan`] that shows it
//! (faults, workers, shards and records that are not needed are left out), and the command that
//! plays it again with everything that happens: `KCL_PLAN=… cargo test … your_test`. Give the plan
//! to [`Simulation::plan`], and it is a test of its own. `KCL_SEEDS=1000` plays more seeds.
//!
//! # What it cannot simulate
//!
//! Everything runs on one thread, on tokio's paused clock. Tokio's tasks, timers and channels work
//! as ever. Threads (`spawn_blocking` too), sockets, files and the machine's clock are real: time
//! does not wait for them, and nothing repeats what they did; put a double in their place. A
//! processor that uses chance or the order of a `HashMap`, or `tokio::select!` without `biased`, is
//! told to be not repeatable. A process stands still or dies only where it awaits something. What a
//! dead process had spawned by itself goes on, but its calls on the sink have no effect and never
//! return. Statics outlive processes and runs.

mod failure;
mod fleet;
mod ledger;
mod plan;
mod replay;
mod setup;
mod simulation;
mod sink;
mod summary;

pub use failure::Failure;
pub use ledger::Broken;
pub use plan::{Fault, InvalidPlan, Plan, Step};
pub use simulation::Simulation;
pub use sink::{EffectOf, Sink, SinkError};
pub use summary::Summary;
