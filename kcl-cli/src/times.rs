//! Times as they are written, for people and machines.

use kcl_core::env::WallTime;

/// A time like `2026-01-31T09:00:00.123Z`.
pub(crate) fn rfc3339(at: WallTime) -> String {
    let millis = i64::try_from(at.as_millis()).unwrap_or(i64::MAX);
    match jiff::Timestamp::from_millisecond(millis) {
        Ok(at) => at.strftime("%Y-%m-%dT%H:%M:%S.%3fZ").to_string(),
        // After the year 9999.
        Err(_) => millis.to_string(),
    }
}
