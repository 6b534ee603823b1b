//! What is asked of the store for my report, and for what is told to me.

use crate::coordinator::{op, request::requests};

requests! {
    /// My report, for its version.
    Look by Doc;
    /// My report, written.
    Put by PutDoc;
    /// Whether somebody watches.
    Watch by Doc;
    /// What the planner tells.
    Planner by Doc;
}
