//! The requests of the inbox to the store.

use crate::coordinator::{op, request::requests};

requests! {
    /// The assignment document of this worker.
    MyDocument by Doc;
}
