//! The requests of the planner's reports to the store.

use crate::coordinator::{op, request::requests};

requests! {
    /// The report, for its version and its content.
    LookReport by Doc;
    /// The report, put.
    PutReport by PutDoc;
    /// The last moves, for their version and their content.
    LookMoves by Doc;
    /// The last moves, put.
    PutMoves by PutDoc;
}
