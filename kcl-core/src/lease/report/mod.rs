//! Documents in which a running fleet describes itself, for `kcl doctor` and the dashboard. Anybody
//! who reaches the store can read them, even when every worker is dead.
//!
//! | document | writer | when |
//! |---|---|---|
//! | `report:WORKER` ([`WorkerReport`]) | each worker | every minute, on changes, at beats (1) |
//! | `@report` ([`PlannerReport`]) | the planner | every minute, and when the plan changes |
//! | `@moves` ([`Moves`]) | the planner | when leases have moved |
//! | `watch` ([`Watch`]) | dashboard, doctor | every ten seconds, while it watches |
//!
//! (1) With each beat, while a fresh `watch` asks for it.
//!
//! Moves have a document of their own: the last 200 are large and change seldom, and a store
//! charges for each written byte. [`Reader`] reads all documents and computes their age.
//!
//! Reports are for display: no lease is acquired, moved or ended because of one. Field names are
//! short, because the documents are written often. A reader ignores fields that it does not know,
//! and takes a missing field for unknown, never for zero. No report holds data of records,
//! partition keys, or the text of an error of the user's processor.

mod lives;
mod moves;
mod named;
mod planner;
mod reader;
mod settings;
mod trouble;
mod watch;
mod worker;

pub use moves::{Moved, Moves, Why};
pub use planner::{PlannerReport, Unassigned};
pub use reader::{Reader, Reports, Told};
pub use trouble::{Trouble, TroubleKind};
pub use watch::Watch;
pub use worker::{Denial, ShardReport, Stuck, Throttles, WorkerReport};

use std::time::Duration;

/// The time between two reports without changes.
pub const EVERY: Duration = Duration::from_secs(60);

/// The age above which a report does not describe the present: two newer ones were due.
pub const STALE_AFTER: Duration = Duration::from_secs(150);
