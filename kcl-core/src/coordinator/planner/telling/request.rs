//! What is asked of the store for what the planner tells.

use crate::coordinator::{op, request::requests};

requests! {
    /// The planner's report, for its version and what it says.
    LookReport by Doc;
    /// The planner's report, written.
    PutReport by PutDoc;
    /// The last moves, for their version and what they are.
    LookMoves by Doc;
    /// The last moves, written.
    PutMoves by PutDoc;
}
