//! The requests of the reporting to the store.

use crate::coordinator::{op, request::requests};

requests! {
    /// This worker's report, for its version.
    Look by Doc;
    /// This worker's report, put.
    Put by PutDoc;
    /// The document `watch`: does somebody watch?
    Watch by Doc;
    /// The planner's report.
    Planner by Doc;
}
