//! The requests of the succession to the store.

use crate::{
    coordinator::{op, request::requests},
    lease::{Epoch, SessionId},
};

requests! {
    /// The row of the planner's lease.
    PlannersRow by Lease;
    /// The row of the planner's lease, put because there was none.
    CreatePlannersRow by Create;
    /// An acquire of the planner's lease, under this epoch.
    Take(epoch: Epoch) by Acquire;
    /// The session of the planner.
    Owner(id: SessionId) by Session;
    /// A release of the planner's lease.
    StepDown by Release;
}
