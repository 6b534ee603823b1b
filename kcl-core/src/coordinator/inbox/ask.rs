//! What the inbox asks the store for.

use crate::coordinator::{op, request::asks};

asks! {
    /// My assignment document.
    MyDocument by Doc;
}
