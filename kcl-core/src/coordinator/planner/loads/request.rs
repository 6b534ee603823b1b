//! The requests of the loads to the store.

use crate::{
    coordinator::{op, request::requests},
    lease::WorkerId,
};

requests! {
    /// The report of a worker.
    Report(worker: WorkerId) by Doc;
}
