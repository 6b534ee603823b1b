//! What every lease store must show, and every stream source: [`sources`] (feature `conformance`).
//!
//! A store is proved by one [`StoreFactory`] handed to [`run`]:
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
//! The suite knows nothing of a store but its trait: every answer is compared with
//! [`crate::lease::rules`] — in scripts, in random histories with stale commands and late
//! duplicates, in races of many tasks for one row, and in concurrent histories that are searched
//! for an order that explains them. It also pages past one page and past a megabyte, writes the
//! longest names and highest numbers that the types allow (epochs and counters up to
//! `u64::MAX / 2`), keeps two applications of one server apart and drops calls half way.
//!
//! Random and concurrent histories are handed to whoever judges them by something else than the
//! rules ([`Suite::judged_by`]): `kcl_memory::sim::judge_row` holds each row to the invariants of
//! simulated fleets.
//!
//! It runs on tokio (any flavour; several threads find more). Its names and cases are not covered
//! by semantic versioning: a new release may ask more of a store.

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
