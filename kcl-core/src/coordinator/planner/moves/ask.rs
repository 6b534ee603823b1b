//! What the moves ask the store for.

use crate::{
    coordinator::{op, request::asks},
    lease::{LeaseKey, PlanVersion},
};

asks! {
    /// The row of a lease that should have moved by now, as this order said.
    Row(key: LeaseKey, order: PlanVersion) by Lease;
}
