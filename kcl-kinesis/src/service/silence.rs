//! An interceptor that measures how long a client has been without an answer.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use aws_sdk_kinesis::{
    config::{
        ConfigBag, Intercept, RuntimeComponents,
        interceptors::{
            BeforeDeserializationInterceptorContextRef, BeforeTransmitInterceptorContextRef,
        },
    },
    error::BoxError,
};
use kcl_core::env::{Clock, Time};

/// The time since when calls have been in flight without an answer to any. A call that is cancelled
/// does not end the silence: it may be the only one, and it has got no answer.
#[derive(Clone, Debug)]
pub(super) struct Silence {
    clock: Arc<dyn Clock>,
    since: Arc<Mutex<Option<Time>>>,
}

impl Silence {
    pub(super) fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, since: Arc::default() }
    }

    /// True if the silence has lasted for `limit` or longer.
    pub(super) fn lasts(&self, limit: Duration) -> bool {
        self.since().is_some_and(|since| self.clock.now() >= since + limit)
    }

    fn since(&self) -> MutexGuard<'_, Option<Time>> {
        self.since.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Intercept for Silence {
    fn name(&self) -> &'static str {
        "Silence"
    }

    fn read_before_transmit(
        &self,
        _: &BeforeTransmitInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let now = self.clock.now();
        self.since().get_or_insert(now);
        Ok(())
    }

    fn read_after_transmit(
        &self,
        _: &BeforeDeserializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        *self.since() = None;
        Ok(())
    }
}
