//! What the coordinator itself asks the store for, beside its parts.

use super::{op, request::asks};

asks! {
    /// My assignment document.
    MyDocument by Doc;
}
