//! Writes times and spans as text, the same in all commands.

use std::time::Duration;

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

/// Whole milliseconds, rounded down.
pub(crate) fn millis(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}

/// A span for people, in one unit: `250 ms`, `3.2 s`, `20 min`, `5 h`.
pub(crate) fn span(millis: u64) -> String {
    match millis {
        0..1_000 => format!("{millis} ms"),
        1_000..120_000 => format!("{}.{} s", millis / 1_000, millis % 1_000 / 100),
        120_000..7_200_000 => format!("{} min", millis / 60_000),
        _ => format!("{} h", millis / 3_600_000),
    }
}
