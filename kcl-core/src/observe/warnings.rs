//! Limits the rate of warnings about the store: a missing table or a denied permission fails about
//! twenty calls per second in the same way.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use tracing::{debug, warn};

use crate::{
    env::{Clock, Time},
    store::{StoreError, StoreErrorKind},
};

/// The shortest time between two warnings about the same failure.
const REMINDER: Duration = Duration::from_secs(30);

/// The last warning about each failure.
#[derive(Debug, Default)]
pub(super) struct RateLimitedWarnings(Mutex<BTreeMap<String, Said>>);

#[derive(Clone, Copy, Debug)]
/// The last warning about one failure.
struct Said {
    at: Time,
    /// The number of failures since, which were not logged as warnings.
    unsaid: u64,
}

impl RateLimitedWarnings {
    /// Logs a failure. It is a warning if a retry cannot help and no warning about the same failure
    /// was logged lately; otherwise the level is `debug`.
    pub(super) fn log(&self, op: &'static str, error: &StoreError, clock: &dyn Clock) {
        let source = error.source.as_deref().map(ToString::to_string).unwrap_or_default();
        // A missing table fails every operation, so they share one warning. A permission may be
        // missing for one operation only.
        let what = match error.kind {
            StoreErrorKind::Missing => error.kind.to_string(),
            kind => format!("{op}: {kind}"),
        };
        let due = if error.is_retryable() { None } else { self.due(what, clock.now()) };
        match due {
            Some(unsaid) if error.kind == StoreErrorKind::Missing => {
                warn!(op, %error, source, unsaid, "kcl.store.missing");
            }
            Some(unsaid) => warn!(op, %error, source, unsaid, "kcl.store.failed"),
            None => debug!(op, %error, source, "kcl.store.failed"),
        }
    }

    /// The number of suppressed warnings about `what` if one is due now; `None` if not.
    pub(super) fn due(&self, what: String, now: Time) -> Option<u64> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let fresh = Said { at: now, unsaid: 0 };
        match all.get_mut(&what) {
            Some(said) if now < said.at + REMINDER => {
                said.unsaid += 1;
                None
            }
            Some(said) => Some(std::mem::replace(said, fresh).unsaid),
            None => {
                all.insert(what, fresh);
                Some(0)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_is_said_once_in_half_a_minute_and_then_how_often_it_was() {
        let warnings = RateLimitedWarnings::default();
        let due = |what: &str, at| warnings.due(what.to_owned(), Time::from_millis(at));
        assert_eq!(due("missing", 1_000), Some(0));
        assert_eq!((due("missing", 1_100), due("missing", 30_999)), (None, None));
        assert_eq!(due("denied", 1_100), Some(0));
        assert_eq!((due("missing", 31_000), due("missing", 61_000)), (Some(2), Some(0)));
    }
}
