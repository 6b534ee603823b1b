//! The requests of the frozen starts to the store.

use std::sync::Arc;

use crate::coordinator::{op, request::requests};

requests! {
    /// The frozen start of a stream, put again because of this doubt.
    GiveBack(of: Arc<str>, doubt: u32) by PutDoc;
}
