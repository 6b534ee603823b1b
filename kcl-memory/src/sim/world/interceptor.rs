//! Calls that are picked on their way to the store, and what becomes of them.

use std::{fmt, time::Duration};

use kcl_core::{coordinator::StoreCall, lease::WorkerId};

/// What becomes of a call that an interceptor picked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It is kept on the way until [`World::land`](super::World::land); the caller hears of no
    /// outcome.
    Held,
    /// It is applied at once; the caller hears of no outcome.
    ReplyLost,
    /// It never arrives; the caller hears of no outcome.
    RequestLost,
    /// It is not applied, and the caller hears so at once.
    Refused,
    /// It is applied so much later, and answered then.
    RequestLate(Duration),
    /// It is applied at once; the caller hears of it so much later.
    ReplyLate(Duration),
}

/// Names an interceptor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InterceptorId(pub(super) usize);

/// Whether a worker's call is picked.
pub(super) type Picks = Box<dyn Fn(&WorkerId, &StoreCall) -> bool>;

/// Picks calls on their way to the store.
pub(super) struct Interceptor {
    pub(super) picks: Picks,
    pub(super) fate: Fate,
    pub(super) lifted: bool,
    pub(super) held: Vec<StoreCall>,
    pub(super) picked: usize,
}

impl fmt::Debug for Interceptor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Interceptor").field("fate", &self.fate).finish_non_exhaustive()
    }
}
