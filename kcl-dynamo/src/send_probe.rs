//! Notices whether the request of a call was sent.
//!
//! A call may fail before its request is sent: no credentials, no connection, a time-out while it
//! waits for either. The caller may then safely repeat the write.

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

/// An interceptor of one call. A write whose request was never sent was certainly not applied.
#[derive(Clone, Debug, Default)]
pub(crate) struct SendProbe(Arc<AtomicBool>);

impl SendProbe {
    /// A probe for a call without an interceptor, which counts as sent.
    pub(crate) fn unwatched() -> Self {
        Self(Arc::new(true.into()))
    }

    /// True if the SDK has passed the request to a connection.
    pub(crate) fn was_sent(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

impl Intercept for SendProbe {
    fn name(&self) -> &'static str {
        "Flight"
    }

    /// The SDK calls this just before it passes the request to a connection.
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
