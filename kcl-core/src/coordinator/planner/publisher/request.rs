//! The requests of the publisher to the store.

use crate::{
    coordinator::{op, request::requests},
    lease::{PlanVersion, WorkerId},
};

requests! {
    /// The assignment document of a worker.
    Doc(worker: WorkerId) by Doc;
    /// The assignment document of a worker, put.
    PutDocument(worker: WorkerId, version: PlanVersion) by PutDoc;
}
