//! Decides which worker should hold which lease.
//!
//! [`plan`] takes a [`View`] (the runnable leases and the live workers) and returns a [`Plan`]: the
//! worker of each lease, or the reason why none may hold it. It is a pure function: the same view
//! gives the same plan, and the order of its leases and workers never matters.
//!
//! A plan is made in steps, a file or folder each:
//!
//! 1. `claims`: the seats that no balancing may change. Which leases get a seat at all, if the
//!    limits have too few; and which seats [placement rules](placement) and the operator's marks
//!    fix;
//! 2. `even` or `weighted`: all other leases are shared out, by count or by load.
//!
//! Both fill a `Draft`. Where workers are equal, the present owner comes first, then the holder of
//! the parent, then the order of worker ids.
//!
//! ```
//! use kcl_core::{
//!     assignment::{LeaseView, View, WorkerView, plan},
//!     env::WallTime,
//!     lease::LeaseKey,
//!     stream::StreamKey,
//! };
//!
//! let stream = StreamKey::new("orders", WallTime::from_millis(1));
//! let shard = "shardId-000000000000".parse().unwrap();
//! let lease = LeaseView::new(LeaseKey::of_shard(&stream, &shard));
//! let worker = WorkerView::new("worker-1".parse().unwrap());
//! let plan = plan(&View::new(vec![lease], vec![worker]));
//! assert_eq!(plan.seats[0].map(|worker| worker.get()), Some(0));
//! ```

mod answer;
mod balance;
mod claims;
mod draft;
mod even;
mod index;
mod limits;
mod order;
pub mod placement;
mod plan;
mod unplaced;
mod view;
mod weighted;

pub use answer::{Plan, Reason, Unassigned};
pub use balance::{Balance, Weighting};
pub use index::WorkerIndex;
pub use limits::Limits;
pub use plan::plan;
pub use view::{LeaseView, View, WorkerView};

#[cfg(test)]
mod tests;
