//! Writes counts, lists of names and ages as English text, for findings and for the screen.

use std::{fmt::Display, time::Duration};

use crate::times::{millis, span};

/// How many names a sentence lists at most; the rest is a number.
const SHOWN: usize = 5;

/// `1 shard`, `2 shards`.
pub(super) fn listed(count: usize, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

/// The first [`SHOWN`] names, and how many more there are: `a, b and 3 more`.
pub(super) fn some<T: Display>(names: impl IntoIterator<Item = T>) -> String {
    let all: Vec<String> = names.into_iter().map(|name| name.to_string()).collect();
    let more = match all.len().saturating_sub(SHOWN) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    all[..all.len().min(SHOWN)].join(", ") + &more
}

/// The age of the oldest unread record, as the end of a sentence. The text is empty if `oldest` is
/// `None` or zero. `retention` adds how long the stream keeps records.
pub(super) fn aged(oldest: Option<Duration>, retention: Option<Duration>) -> String {
    let Some(oldest) = oldest.filter(|oldest| !oldest.is_zero()) else { return String::new() };
    let kept = retention.map(|kept| format!(" of {} that the stream keeps", said(kept)));
    format!("; the oldest unread record is {} old{}", said(oldest), kept.unwrap_or_default())
}

/// A length of time as text, like `3.2 s` or `20 min`.
pub(super) fn said(time: Duration) -> String {
    span(millis(time))
}
