//! That somebody watches: workers then report with each beat.

use std::time::Duration;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::{
    env::WallTime,
    lease::{StoreTime, load::millis},
};

/// What the document [`crate::lease::DocName::watch`] says. Who watches puts it every
/// [`Self::RENEWED_EVERY`] and wakes the workers that do not report as often as they beat.
///
/// Each writing counts anew, by the clock of whoever reads it: no clocks are compared. Only a
/// document that a worker meets for the first time may be of long ago, which its time then shows.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Watch {
    /// Who watches, like `kcl doctor --watch on laptop-7`: for people.
    pub by: String,
    /// For how long after it is read.
    pub lasts: Duration,
    /// When it was written, by the clock of whoever watches.
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
    /// For how long one writing holds.
    pub const LASTS: Duration = Duration::from_secs(30);

    /// How often it is written.
    pub const RENEWED_EVERY: Duration = Duration::from_secs(10);

    /// No writing holds for longer, whatever it says.
    const LONGEST: Duration = Duration::from_secs(60);

    /// By how much the clocks of who watches and of the store may differ at most.
    const CLOCKS: Duration = Duration::from_secs(600);

    /// The longest name of who watches, in characters.
    const NAME_MAX: usize = 100;

    /// That `by` watches, at this time of its clock.
    #[must_use]
    pub fn new(by: &str, at: WallTime) -> Self {
        Self { by: by.chars().take(Self::NAME_MAX).collect(), lasts: Self::LASTS, at }
    }

    /// Whether a writing that is met for the first time at this time of the store is of long ago.
    #[must_use]
    pub fn is_past(&self, now: StoreTime) -> bool {
        let lasted = WallTime::from_millis(now.0).since(self.at);
        lasted > self.lasts + Self::CLOCKS
    }

    /// The document's text.
    #[must_use]
    pub fn encode(&self) -> Bytes {
        let text = Text { by: self.by.clone(), lasts: millis(self.lasts), at: self.at };
        // Serialising a plain struct with string keys into memory cannot fail.
        serde_json::to_vec(&text).unwrap_or_default().into()
    }

    /// Reads a document; `None` if it makes no sense.
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
