//! What a running fleet tells of itself: documents that anybody reads who looks at it, from
//! wherever the store can be reached, and with every worker dead.
//!
//! | document | who writes it | when |
//! |---|---|---|
//! | `report:WORKER` ([`WorkerReport`]) | each worker | every minute, when a kind of fact changes, and with each beat while somebody watches |
//! | `@report` ([`PlannerReport`]) | the planner | every minute, and when its plan or its reasons change |
//! | `@moves` ([`Moves`]) | the planner | when leases have moved |
//! | `watch` ([`Watch`]) | whoever watches | every ten seconds, while it watches |
//!
//! Moves stand in a document of their own: the last 200 are large and change seldom, and a store
//! charges for what is written. What is read of all of these, and how old it is, [`Reader`] tells.
//!
//! Nothing here is relied on: no lease is taken, given or ended for what a report says. Fields have
//! short names, since they are written often; a field that a reader does not know is passed over,
//! one that is not there is unknown, never zero. No report holds data of records, partition keys,
//! or what an error of the user's processor says.

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

/// How often a report is written that has nothing new to say.
pub const EVERY: Duration = Duration::from_secs(60);

/// A report that is older says nothing of the present: two were due since.
pub const STALE_AFTER: Duration = Duration::from_secs(150);
