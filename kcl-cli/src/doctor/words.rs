//! How counts, lists and ages are said.

use std::{fmt::Display, time::Duration};

use crate::times::{millis, span};

/// How many names a sentence holds.
const SHOWN: usize = 5;

/// `1 shard`, `2 shards`.
pub(super) fn listed(count: usize, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

/// The first names, and how many more there are.
pub(super) fn some<T: Display>(names: impl IntoIterator<Item = T>) -> String {
    let all: Vec<String> = names.into_iter().map(|name| name.to_string()).collect();
    let more = match all.len().saturating_sub(SHOWN) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    all[..all.len().min(SHOWN)].join(", ") + &more
}

/// How old the oldest unread record is, as the end of a sentence: nothing if that is not known.
pub(super) fn aged(oldest: Option<Duration>, retention: Option<Duration>) -> String {
    let Some(oldest) = oldest.filter(|oldest| !oldest.is_zero()) else { return String::new() };
    let kept = retention.map(|kept| format!(" of {} that the stream keeps", said(kept)));
    format!("; the oldest unread record is {} old{}", said(oldest), kept.unwrap_or_default())
}

pub(super) fn said(time: Duration) -> String {
    span(millis(time))
}
