//! What is asked of the store for the frozen starts.

use std::sync::Arc;

use crate::coordinator::{op, request::requests};

requests! {
    /// The frozen start of a stream, given back because of that doubt.
    GiveBack(of: Arc<str>, doubt: u32) by PutDoc;
}
