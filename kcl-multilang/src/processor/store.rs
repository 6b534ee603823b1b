//! Keeps the result of the last checkpoint write, so that a child whose checkpoint is late gets the
//! exception that fits: it tries again after one, and gives up after another.

use std::sync::{
    Arc,
    atomic::{AtomicU8, Ordering},
};

use kcl_core::{
    observe::{Observer, StoreCallEnd, StoreCallEnded, Subject},
    store::StoreErrorKind,
};

/// The store refused the write because it is too busy.
const THROTTLED: u8 = 1;
/// The store is missing or misconfigured, or denies access.
const INVALID: u8 = 2;
/// The write failed in another way, or timed out.
const FAILED: u8 = 3;

/// An observer of the worker that keeps the result of its last checkpoint write, of whichever
/// lease. Clones share it. [`ChildProcessors::observer`](crate::ChildProcessors::observer) makes
/// one.
#[derive(Clone, Debug, Default)]
pub struct StoreTrouble(Arc<AtomicU8>);

impl StoreTrouble {
    /// The exception that a child gets if its checkpoint was not stored in time.
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
