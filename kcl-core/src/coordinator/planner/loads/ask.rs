//! What is asked of the store for the loads.

use crate::{
    coordinator::{op, request::asks},
    lease::WorkerId,
};

asks! {
    /// What a worker tells of its shards.
    Report(worker: WorkerId) by Doc;
}
