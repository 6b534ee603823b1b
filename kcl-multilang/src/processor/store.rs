//! Why a checkpoint takes so long: what the lease store said of the last one.

use std::sync::{
    Arc,
    atomic::{AtomicU8, Ordering},
};

use kcl_core::{
    observe::{Observer, StoreCallEnd, StoreCallEnded, Subject},
    store::StoreErrorKind,
};

/// The store asked to slow down.
const THROTTLED: u8 = 1;
/// It cannot work as it is set up, is not there, or denies access.
const INVALID: u8 = 2;
/// It failed otherwise, or was not in time.
const FAILED: u8 = 3;

/// Hears how calls to the store end: hung into the worker as an observer. Clones are the same.
#[derive(Clone, Debug, Default)]
pub struct StoreTrouble(Arc<AtomicU8>);

impl StoreTrouble {
    /// The name by which a child knows why a checkpoint was not stored in time.
    pub(super) fn name(&self) -> &'static str {
        match self.0.load(Ordering::Relaxed) {
            THROTTLED => "ThrottlingException",
            INVALID => "InvalidStateException",
            _ => "KinesisClientLibDependencyException",
        }
    }
}

impl Observer for StoreTrouble {
    fn store_call(&self, _about: &Subject, call: &StoreCallEnded<'_>) {
        if call.op != "advance" {
            return;
        }
        let trouble = match call.end {
            StoreCallEnd::Failed(error) => match error.kind {
                StoreErrorKind::Throttled => THROTTLED,
                StoreErrorKind::Denied
                | StoreErrorKind::Misconfigured
                | StoreErrorKind::Missing => INVALID,
                _ => FAILED,
            },
            StoreCallEnd::TimedOut(_) => FAILED,
            _ => 0,
        };
        self.0.store(trouble, Ordering::Relaxed);
    }
}
