//! Notices a client whose connections bring no answers. [`crate::connection`] then replaces it, and
//! the new client resolves the host name again.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use aws_sdk_dynamodb::{
    config::{
        ConfigBag, Intercept, RuntimeComponents,
        interceptors::{
            BeforeDeserializationInterceptorContextRef, BeforeTransmitInterceptorContextRef,
        },
    },
    error::BoxError,
};
use kcl_core::env::{Env, Time};

/// The time since which calls have been under way without an answer to any; `None` if there was an
/// answer since the last request. A dropped call does not reset it: it may have been the only call
/// that showed the silence.
#[derive(Clone, Debug, Default)]
pub(crate) struct Silence(Arc<Mutex<Option<Time>>>);

impl Silence {
    /// True if the silence has lasted for `limit`.
    pub(crate) fn lasts(&self, now: Time, limit: Duration) -> bool {
        self.since().is_some_and(|since| now >= since + limit)
    }

    /// Locks the start of the silence.
    fn since(&self) -> MutexGuard<'_, Option<Time>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
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
        self.since().get_or_insert_with(|| Env::system().clock.now());
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
