//! The service's own clock, as its answers show it.

use std::{
    sync::{Arc, OnceLock},
    time::Duration,
};

use aws_sdk_kinesis::{
    config::{
        ConfigBag, Intercept, RuntimeComponents,
        interceptors::BeforeDeserializationInterceptorContextRef,
    },
    error::BoxError,
    primitives::{DateTime, DateTimeFormat},
};
use kcl_core::env::WallTime;

use super::convert;

/// What the `Date` header of an answer may be ahead of the clock that judges timestamps: it is cut
/// to the second, and another machine may have written it. Kinesis refuses a timestamp ahead of its
/// own clock, so a stream's time is told a second early rather than late.
const CAUTION: Duration = Duration::from_secs(1);

/// Catches the `Date` header of the answer to the one call it is attached to.
#[derive(Clone, Debug, Default)]
pub(super) struct ServerDate(Arc<OnceLock<WallTime>>);

impl ServerDate {
    /// The service's time when it answered, never ahead of it; `None` if the answer had no date.
    pub(super) fn get(&self) -> Option<WallTime> {
        self.0.get().map(|date| date.minus(CAUTION))
    }
}

impl Intercept for ServerDate {
    fn name(&self) -> &'static str {
        "ServerDate"
    }

    fn read_before_deserialization(
        &self,
        context: &BeforeDeserializationInterceptorContextRef<'_>,
        _components: &RuntimeComponents,
        _config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let date = context.response().headers().get("date");
        let date = date.and_then(|date| DateTime::from_str(date, DateTimeFormat::HttpDate).ok());
        if let Some(date) = date {
            // A call that was repeated keeps the date of its first answer: the cautious one.
            let _ = self.0.set(convert::wall_time(&date));
        }
        Ok(())
    }
}
