//! The requests of the moves to the store.

use crate::{
    coordinator::{op, request::requests},
    lease::{LeaseKey, PlanVersion},
};

requests! {
    /// The row of a lease that should have been released by now, by this order.
    Row(key: LeaseKey, order: PlanVersion) by Lease;
}
