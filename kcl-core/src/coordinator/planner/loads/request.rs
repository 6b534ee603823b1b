//! What is asked of the store for the loads.

use crate::{
    coordinator::{op, request::requests},
    lease::WorkerId,
};

requests! {
    /// What a worker tells of its shards.
    Report(worker: WorkerId) by Doc;
}
