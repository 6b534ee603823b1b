//! Whether a client's connections bring answers.

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

/// Since when calls are under way without an answer to any. Whoever goes away before the answer
/// leaves that as it is: nobody else may be there to wait for one.
#[derive(Clone, Debug, Default)]
pub(crate) struct Silence(Arc<Mutex<Option<Time>>>);

impl Silence {
    /// Whether it has lasted for so long.
    pub(crate) fn lasts(&self, now: Time, limit: Duration) -> bool {
        self.since().is_some_and(|since| now >= since + limit)
    }

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
