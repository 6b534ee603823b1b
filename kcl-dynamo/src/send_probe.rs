//! Whether a call was sent at all.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use aws_sdk_dynamodb::{
    config::{
        ConfigBag, Intercept, RuntimeComponents, interceptors::BeforeTransmitInterceptorContextRef,
    },
    error::BoxError,
};

/// Watches one call: before it departs nothing can have been done, whatever goes wrong.
#[derive(Clone, Debug, Default)]
pub(crate) struct SendProbe(Arc<AtomicBool>);

impl SendProbe {
    /// Of a call that nobody watches: it may have departed.
    pub(crate) fn unwatched() -> Self {
        Self(Arc::new(true.into()))
    }

    /// Whether the call was handed to the connection.
    pub(crate) fn was_sent(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

impl Intercept for SendProbe {
    fn name(&self) -> &'static str {
        "Flight"
    }

    fn read_before_transmit(
        &self,
        _: &BeforeTransmitInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        self.0.store(true, Ordering::Relaxed);
        Ok(())
    }
}
