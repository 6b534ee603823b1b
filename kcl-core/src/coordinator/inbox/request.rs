//! What the inbox asks the store for.

use crate::coordinator::{op, request::requests};

requests! {
    /// My assignment document.
    MyDocument by Doc;
}
