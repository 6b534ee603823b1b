//! Test suites that compare a lease store with the contract of
//! [`LeaseStore`](crate::store::LeaseStore), and in [`sources`] a stream source with that of
//! [`StreamSource`](crate::stream::StreamSource) (feature `conformance`).
//!
//! The author of a store writes a [`StoreFactory`] and passes it to [`run`]:
//!
//! ```no_run
//! # use std::sync::Arc;
//! # use kcl_core::{conformance::{self, StoreFactory}, store::{LeaseStore, StoreResult}};
//! # async fn connect(_application: &str) -> StoreResult<Arc<dyn LeaseStore>> {
//! #     Err(kcl_core::store::StoreError::new(
//! #         kcl_core::store::StoreErrorKind::Unavailable, "connect", "mine"))
//! # }
//! struct Mine;
//!
//! #[async_trait::async_trait]
//! impl StoreFactory for Mine {
//!     fn name(&self) -> String {
//!         "mine".into()
//!     }
//!
//!     async fn open(&self, application: &str) -> StoreResult<Arc<dyn LeaseStore>> {
//!         // A client of `application`, on a server that all cases share.
//!         connect(application).await
//!     }
//! }
//!
//! # async fn test() -> Result<(), conformance::Failed> {
//! let report = conformance::run(Mine).await?;
//! println!("{report}");
//! # Ok(())
//! # }
//! ```
//!
//! The suite uses nothing of a store but its trait, and compares every answer with
//! [`crate::lease::rules`]:
//!
//! - *scripts*: fixed commands, one after the other; every condition that must fail is tried;
//! - *random histories*: one client, with stale commands and late duplicates;
//! - *races*: many tasks write one row at once, and exactly one may win;
//! - *concurrent histories*: several clients write one row, and drop calls half way; the suite
//!   searches for an order of the calls that explains every answer.
//!
//! It also lists more than one page and more than a megabyte, writes the longest names and the
//! highest numbers that the types allow (epochs and counters up to `u64::MAX / 2`), and checks that
//! two applications on one server do not see each other.
//!
//! A second judge can check the random and the concurrent histories independently of the rules
//! ([`Suite::judged_by`]): `kcl_memory::sim::judge_row` checks each row against the invariants of
//! simulated fleets.
//!
//! The suite runs on any tokio runtime; several threads find more. Semantic versioning does not
//! cover its names and cases: a new release may require more of a store.

mod bench;
mod case;
mod cases;
mod change;
mod command;
mod draw;
mod factory;
mod failure;
mod history;
mod linear;
mod play;
mod report;
pub mod rows;
mod samples;
mod script;
pub mod sources;
mod suite;

pub use case::Case;
pub use cases::ALL;
pub use change::Change;
pub use command::Row;
pub use factory::{Capabilities, StoreFactory};
pub use failure::Failure;
pub use report::{CaseReport, Failed, Report};
pub use suite::{Suite, run};
