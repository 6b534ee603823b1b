//! The document that asks workers to report with each beat, because somebody watches the fleet.

use std::time::Duration;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::{
    env::WallTime,
    lease::{StoreTime, load::millis},
};

/// The content of the document [`crate::lease::DocName::watch`]. A dashboard writes it every
/// [`Self::RENEWED_EVERY`], and wakes the workers that do not report with each beat.
///
/// A worker counts the time from when it read a new version, by its own clock, so that no clocks
/// are compared. Only the first version that a worker reads may be old; [`Self::is_past`] then
/// decides by the time in it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Watch {
    /// The name of the watching program for people, such as `kcl doctor --watch on laptop-7`.
    pub by: String,
    /// The time for which the request holds, from when a worker reads it.
    pub lasts: Duration,
    /// The time of the write, by the clock of the watching program.
    pub at: WallTime,
}

#[derive(Debug, Serialize, Deserialize)]
struct Text {
    #[serde(default)]
    by: String,
    #[serde(rename = "for")]
    lasts: u64,
    #[serde(default)]
    at: WallTime,
}

impl Watch {
    /// The time for which one write holds.
    pub const LASTS: Duration = Duration::from_secs(30);

    /// The time between two writes.
    pub const RENEWED_EVERY: Duration = Duration::from_secs(10);

    /// The highest value of [`Self::lasts`]; a higher one in the document is lowered to it.
    const LONGEST: Duration = Duration::from_secs(60);

    /// The difference between the clocks of the watching program and the store that is allowed.
    const CLOCKS: Duration = Duration::from_secs(600);

    /// The longest [`Self::by`], in characters; the rest is cut.
    const NAME_MAX: usize = 100;

    /// The request of `by` at the time `at` of its clock, which holds for [`Self::LASTS`].
    #[must_use]
    pub fn new(by: &str, at: WallTime) -> Self {
        Self { by: by.chars().take(Self::NAME_MAX).collect(), lasts: Self::LASTS, at }
    }

    /// True if a request that a worker reads for the first time at the store's time `now` is over,
    /// even if the clocks differ by ten minutes.
    #[must_use]
    pub fn is_past(&self, now: StoreTime) -> bool {
        let lasted = WallTime::from_millis(now.0).since(self.at);
        lasted > self.lasts + Self::CLOCKS
    }

    /// The content as JSON.
    #[must_use]
    pub fn encode(&self) -> Bytes {
        let text = Text { by: self.by.clone(), lasts: millis(self.lasts), at: self.at };
        // Serialising a plain struct with string keys into memory cannot fail.
        serde_json::to_vec(&text).unwrap_or_default().into()
    }

    /// Reads the content from JSON; `None` if the text is no such document.
    #[must_use]
    pub fn decode(body: &[u8]) -> Option<Self> {
        let Text { by, lasts, at } = serde_json::from_slice(body).ok()?;
        let by = by.chars().take(Self::NAME_MAX).collect();
        Some(Self { by, lasts: Duration::from_millis(lasts).min(Self::LONGEST), at })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_watch_reads_back_and_lasts_no_longer_than_a_minute() {
        let watch = Watch::new("kcl doctor --watch on h", WallTime::from_millis(1_700_000_000_000));
        assert_eq!(Watch::decode(&watch.encode()), Some(watch));
        let later = Watch::decode(br#"{"for":99999999999,"why":1}"#).unwrap();
        assert_eq!(later.lasts, Watch::LONGEST);
        for odd in ["", "{}", r#"{"for":"long"}"#] {
            assert_eq!(Watch::decode(odd.as_bytes()), None, "{odd}");
        }
    }

    #[test]
    fn a_watch_of_long_ago_is_past_and_clocks_may_differ_by_minutes() {
        let at = WallTime::from_millis(1_700_000_000_000);
        let watch = Watch::new("w", at);
        let is_past = |secs: u64| watch.is_past(StoreTime(at.as_millis() + secs * 1_000));
        assert!(!is_past(0) && !is_past(600) && is_past(700));
        assert!(!watch.is_past(StoreTime(0)), "the store's clock is behind");
    }
}
