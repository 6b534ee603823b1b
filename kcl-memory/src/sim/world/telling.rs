//! Calls by which a fleet only tells what it does.

use kcl_core::coordinator::StoreCall;

/// Whether a call is about a document that only tells what the fleet does: nobody goes by it, but
/// a plan by load.
pub(super) fn is_told(call: &StoreCall) -> bool {
    match call {
        StoreCall::Doc(name) => name.is_told(),
        StoreCall::PutDoc(put) => put.name.is_told(),
        StoreCall::DeleteDoc(delete) => delete.name.is_told(),
        _ => false,
    }
}
