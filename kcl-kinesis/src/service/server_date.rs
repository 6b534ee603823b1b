//! An interceptor that reads the time of the service from an answer.

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

/// How far the `Date` header of an answer may be ahead of the clock that checks timestamps: the
/// header may come from another machine. Kinesis refuses a timestamp that is ahead of its clock, so
/// the stream's time is reported this much early.
const CAUTION: Duration = Duration::from_secs(1);

/// Reads the `Date` header of the answer to the one call it is attached to.
#[derive(Clone, Debug, Default)]
pub(super) struct ServerDate(Arc<OnceLock<WallTime>>);

impl ServerDate {
    /// The service's time when it answered, or slightly less; `None` if the answer has no date.
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
            // For a call that was retried, the date of the first answer is kept: the earliest.
            let _ = self.0.set(convert::wall_time(&date));
        }
        Ok(())
    }
}
