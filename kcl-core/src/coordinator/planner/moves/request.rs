//! What the moves ask the store for.

use crate::{
    coordinator::{op, request::requests},
    lease::{LeaseKey, PlanVersion},
};

requests! {
    /// The row of a lease that should have moved by now, as this order said.
    Row(key: LeaseKey, order: PlanVersion) by Lease;
}
