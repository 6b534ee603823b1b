//! What the coordinator itself asks the store for, beside its parts.

use super::{op, request::asks};

asks! {
    /// My assignment document.
    MyDocument by Doc;
    /// The frozen start, given back because of that doubt.
    GiveStartBack(doubt: u32) by PutDoc;
    /// My report of loads, for its version.
    LookAtReport by Doc;
    /// My report of loads, written.
    PutReport by PutDoc;
}
