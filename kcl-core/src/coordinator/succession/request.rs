//! What the succession asks the store for.

use crate::{
    coordinator::{op, request::requests},
    lease::{Epoch, SessionId},
};

requests! {
    /// The planner's lease.
    PlannersRow by Lease;
    /// The row of the planner's lease, put because there was none.
    CreatePlannersRow by Create;
    /// The planner's lease for me, under this epoch.
    Take(epoch: Epoch) by Acquire;
    /// The session of the planner.
    Owner(id: SessionId) by Session;
    /// The planner's lease, given back.
    StepDown by Release;
}
