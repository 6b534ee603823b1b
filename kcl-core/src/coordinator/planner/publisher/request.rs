//! What the publisher asks the store for.

use crate::{
    coordinator::{op, request::requests},
    lease::{PlanVersion, WorkerId},
};

requests! {
    /// A worker's document.
    Doc(worker: WorkerId) by Doc;
    /// A worker's document, written.
    PutDocument(worker: WorkerId, version: PlanVersion) by PutDoc;
}
