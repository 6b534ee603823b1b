//! What is asked of the store for my report of loads.

use crate::coordinator::{op, request::asks};

asks! {
    /// My report, for its version.
    Look by Doc;
    /// My report, written.
    Put by PutDoc;
}
