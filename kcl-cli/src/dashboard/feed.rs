//! Keeps the versions of one application's model, and computes what a page lacks.
//!
//! A new page gets a snapshot of the newest model, and then the deltas. Each version has a number.
//! A page that reconnects names its last version, and gets the deltas after it, if the feed still
//! has them, else a snapshot.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, PoisonError},
};

use serde_json::json;
use tokio::sync::watch;

use super::model::{Delta, Model};

/// How many deltas the feed keeps for pages that reconnect.
const KEPT: usize = 120;
/// How many bytes these deltas may take: with 2,000 shards a delta has some 50 KB.
const KEPT_BYTES: usize = 8 << 20;

/// A version as a page names it, like `7f3a-12`. The page gets it as the id of an event, and a
/// browser sends it back when it reconnects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Version {
    /// A random number of this process. It tells versions of a former process apart.
    life: u64,
    /// Counts from 1.
    number: u64,
}

impl Version {
    /// Reads what `Display` wrote; `None` if the text is something else.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (life, number) = text.split_once('-')?;
        Some(Self { life: u64::from_str_radix(life, 16).ok()?, number: number.parse().ok()? })
    }
}

impl std::fmt::Display for Version {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:x}-{}", self.life, self.number)
    }
}

/// One event for a page.
#[derive(Clone, Debug)]
pub(crate) struct Update {
    /// `snapshot` or `delta`.
    pub(crate) kind: &'static str,
    /// The version that the page has after this event.
    pub(crate) version: Version,
    /// One line of JSON.
    pub(crate) text: Arc<str>,
}

/// The versions of one application. One task puts them; any number of pages read them.
#[derive(Debug)]
pub(crate) struct Feed {
    life: u64,
    state: Mutex<State>,
    /// The number of the newest version; it wakes the pages.
    newest: watch::Sender<u64>,
}

/// The newest version, and the way to it.
#[derive(Debug, Default)]
struct State {
    /// The number of the newest version; 0 before the first.
    number: u64,
    /// The newest version.
    model: Arc<Model>,
    /// The deltas with the version that each leads to; the newest is last.
    deltas: VecDeque<(u64, Arc<str>)>,
    /// The bytes of all deltas.
    bytes: usize,
}

impl Feed {
    /// An empty feed. `life` must differ from that of a former process.
    pub(crate) fn new(life: u64) -> Self {
        Self { life, state: Mutex::default(), newest: watch::Sender::new(0) }
    }

    /// Puts the next version, and wakes the pages. It drops the oldest deltas beyond [`KEPT`] and
    /// [`KEPT_BYTES`].
    pub(crate) fn put(&self, model: Model) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let delta = Delta::between(&state.model, &model);
        // A delta consists of maps, arrays and texts, so that writing it as JSON cannot fail.
        let text: Arc<str> = serde_json::to_string(&delta).unwrap_or_default().into();
        state.number += 1;
        let number = state.number;
        state.bytes += text.len();
        state.deltas.push_back((number, text));
        while state.deltas.len() > KEPT || state.bytes > KEPT_BYTES {
            let Some((_, oldest)) = state.deltas.pop_front() else { break };
            state.bytes -= oldest.len();
        }
        state.model = Arc::new(model);
        drop(state);
        self.newest.send_replace(number);
    }

    /// The newest model; `None` before the first reading.
    pub(crate) fn model(&self) -> Option<Arc<Model>> {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        (state.number > 0).then(|| Arc::clone(&state.model))
    }

    /// A receiver that wakes at each new version. It counts as a page that watches.
    pub(crate) fn newest(&self) -> watch::Receiver<u64> {
        self.newest.subscribe()
    }

    /// Whether a page watches.
    pub(crate) fn is_watched(&self) -> bool {
        self.newest.receiver_count() > 0
    }

    /// The events that bring a page from the version `has` to the newest. Empty if it has the
    /// newest one, or if there is no version yet.
    pub(crate) fn since(&self, has: Option<Version>) -> Vec<Update> {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.number == 0 {
            return Vec::new();
        }
        let version = |number| Version { life: self.life, number };
        let has = has.filter(|it| it.life == self.life && it.number <= state.number);
        let oldest = state.deltas.front().map_or(u64::MAX, |(number, _)| *number);
        match has {
            Some(has) if has.number + 1 >= oldest => {
                let missed = state.deltas.iter().filter(|(number, _)| *number > has.number);
                let update = |(number, text): &(u64, Arc<str>)| Update {
                    kind: "delta",
                    version: version(*number),
                    text: Arc::clone(text),
                };
                missed.map(update).collect()
            }
            _ => {
                let text: Arc<str> = json!(state.model.json()).to_string().into();
                vec![Update { kind: "snapshot", version: version(state.number), text }]
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    fn model(lag: usize) -> Model {
        let head = json!({ "lag": lag, "text": "x".repeat(100) });
        Model { head: head.as_object().unwrap().clone(), ..Model::default() }
    }

    fn kinds(updates: &[Update]) -> Vec<(&'static str, u64)> {
        updates.iter().map(|it| (it.kind, it.version.number)).collect()
    }

    #[test]
    fn who_comes_back_is_told_what_it_missed_and_anybody_else_everything() {
        let feed = Feed::new(7);
        assert!(feed.since(None).is_empty() && feed.model().is_none());
        for lag in 0..5 {
            feed.put(model(lag));
        }
        assert_eq!(kinds(&feed.since(None)), [("snapshot", 5)]);
        let has = Version::parse("7-3");
        assert_eq!(has.unwrap().to_string(), "7-3");
        let missed = feed.since(has);
        assert_eq!(kinds(&missed), [("delta", 4), ("delta", 5)]);
        let last: Value = serde_json::from_str(&missed[1].text).unwrap();
        assert_eq!(last, json!({ "head": { "lag": 4 } }), "what stayed is not told again");
        assert!(feed.since(Version::parse("7-5")).is_empty(), "it has the newest");
        for other in ["8-3", "7-9", "", "7", "x-3", "7-x"] {
            let told = feed.since(Version::parse(other));
            assert_eq!(kinds(&told), [("snapshot", 5)], "{other:?}");
        }
    }

    #[test]
    fn what_is_too_long_ago_is_told_anew() {
        let feed = Feed::new(7);
        for lag in 0..KEPT + 10 {
            feed.put(model(lag));
        }
        let has = |number| Some(Version { life: 7, number });
        assert_eq!(feed.since(has(5))[0].kind, "snapshot");
        assert_eq!(feed.since(has(9))[0].kind, "snapshot");
        assert_eq!(feed.since(has(10)).len(), KEPT);
    }
}
