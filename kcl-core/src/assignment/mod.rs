//! Who should read what.
//!
//! [`plan`] takes a [`View`] of the runnable leases and the live workers, and says which worker
//! should hold which lease, or why nobody can. It is a function: the same view gives the same plan,
//! and the order of its leases and workers never matters.
//!
//! A plan is made in steps, a folder or file each:
//! 1. `claims`: what no balancing may touch. Which leases get a seat at all when the limits cannot
//!    hold every lease, and which seats [placement rules](placement) fix;
//! 2. `even` or `weighted`: the rest is shared out, by count or by load.

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
