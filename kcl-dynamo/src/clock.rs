//! The server's clock, from the `Date` headers of its answers. DynamoDB has no operation that
//! returns the time.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use aws_sdk_dynamodb::{
    config::{
        ConfigBag, Intercept, RuntimeComponents,
        interceptors::BeforeDeserializationInterceptorContextRef,
    },
    error::BoxError,
    primitives::{DateTime, DateTimeFormat},
};
use kcl_core::lease::StoreTime;

/// The latest `Date` header of any answer, in milliseconds since 1970. It never goes back. Headers
/// have a resolution of one second. The SDK calls it for each answer, as an interceptor.
#[derive(Clone, Debug, Default)]
pub(crate) struct ServerClock(Arc<AtomicU64>);

impl ServerClock {
    pub(crate) fn now(&self) -> StoreTime {
        StoreTime(self.0.load(Ordering::Relaxed))
    }

    /// Moves the clock to the time of a `Date` header, if that is later. Ignores an invalid header.
    fn hear(&self, date: &str) {
        let date = DateTime::from_str(date, DateTimeFormat::HttpDate);
        let millis = date.ok().and_then(|date| date.to_millis().ok());
        if let Some(millis) = millis.and_then(|millis| u64::try_from(millis).ok()) {
            self.0.fetch_max(millis, Ordering::Relaxed);
        }
    }
}

impl Intercept for ServerClock {
    fn name(&self) -> &'static str {
        "ServerClock"
    }

    fn read_before_deserialization(
        &self,
        context: &BeforeDeserializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        if let Some(date) = context.response().headers().get("date") {
            self.hear(date);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clock_reads_dates_and_never_goes_back() {
        let clock = ServerClock::default();
        assert_eq!(clock.now(), StoreTime(0));
        clock.hear("Tue, 14 Nov 2023 22:13:20 GMT");
        assert_eq!(clock.now(), StoreTime(1_700_000_000_000));
        for earlier in ["Tue, 14 Nov 2023 22:13:19 GMT", "yesterday", ""] {
            clock.hear(earlier);
        }
        assert_eq!(clock.now(), StoreTime(1_700_000_000_000));
    }
}
