//! What a worker measures of the shards it reads, and the document that it tells the fleet in.
//!
//! A load travels apart from checkpoints: it is known of a shard whose processor writes none, and
//! it goes down when nothing arrives. Unknown is not zero.

use std::{collections::BTreeMap, time::Duration};

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::LeaseKey;

/// The load of one shard, as its reader measured it over the last minute or so.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Load {
    /// Bytes of payload that arrive at the stream in a second, and not those that are read: a
    /// backlog that is caught up with is no load. `None`: not measured yet.
    pub bytes_per_second: Option<u64>,
    /// Records that arrive in a second.
    pub records_per_second: Option<u64>,
    /// The share of time that records are in the processor, in thousandths.
    pub busy_permille: Option<u64>,
    /// How far behind the newest record reading was, by what the source said last. `None` if it
    /// does not say.
    pub lag: Option<Duration>,
    /// Records that the processor processes in a second. More than arrive while it catches up, fewer
    /// while it falls behind.
    pub processed_per_second: Option<u64>,
}

impl Load {
    /// Nothing known.
    pub const UNKNOWN: Self = Self {
        bytes_per_second: None,
        records_per_second: None,
        busy_permille: None,
        lag: None,
        processed_per_second: None,
    };

    /// Whether `other` is much the same: no reason to tell it.
    #[must_use]
    pub fn is_much_like(&self, other: &Self) -> bool {
        let millis = |lag: Option<Duration>| lag.map(millis);
        near(self.bytes_per_second, other.bytes_per_second, 8, 1_024)
            && near(self.records_per_second, other.records_per_second, 8, 1)
            && near(self.busy_permille, other.busy_permille, 4, 100)
            && near(millis(self.lag), millis(other.lag), 2, 10_000)
    }
}

/// Whether two figures differ by no more than this part of the greater, or by no more than `least`.
fn near(a: Option<u64>, b: Option<u64>, part: u64, least: u64) -> bool {
    match (a, b) {
        (Some(a), Some(b)) => a.abs_diff(b) <= (a.max(b) / part).max(least),
        (a, b) => a == b,
    }
}

/// Whole milliseconds.
pub(super) fn millis(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}

/// What one worker tells of the loads of its leases.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct LoadReport {
    /// The leases it holds.
    pub leases: BTreeMap<LeaseKey, Load>,
}

/// The document: figures by shard, shards by stream and life. Names are short, since it is written
/// now and then; what a later version adds is passed over.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Text {
    /// Bytes a second, records a second, thousandths in the processor, milliseconds behind.
    #[serde(rename = "l", default)]
    loads: BTreeMap<String, BTreeMap<String, Vec<Option<u64>>>>,
}

impl LoadReport {
    /// Leases that one document tells of at most, the heaviest: at some 60 bytes each they fit it.
    pub const LEASES_MAX: usize = 5_000;

    /// A report of these leases.
    #[must_use]
    pub const fn new(leases: BTreeMap<LeaseKey, Load>) -> Self {
        Self { leases }
    }

    /// Whether `other` tells much the same, so that it need not be written.
    #[must_use]
    pub fn is_much_like(&self, other: &Self) -> bool {
        self.leases.len() == other.leases.len()
            && self
                .leases
                .iter()
                .zip(&other.leases)
                .all(|((key, load), (other, told))| key == other && load.is_much_like(told))
    }

    /// The document's text.
    #[must_use]
    pub fn encode(&self) -> Bytes {
        let mut heaviest: Vec<(&LeaseKey, &Load)> = self.leases.iter().collect();
        if heaviest.len() > Self::LEASES_MAX {
            heaviest.sort_by_key(|(_, load)| std::cmp::Reverse(load.bytes_per_second));
            heaviest.truncate(Self::LEASES_MAX);
        }
        let mut text = Text::default();
        for (key, load) in heaviest {
            let Some((life, shard)) = key.as_str().rsplit_once('/') else { continue };
            let figures = vec![
                load.bytes_per_second,
                load.records_per_second,
                load.busy_permille,
                load.lag.map(millis),
            ];
            text.loads.entry(life.to_owned()).or_default().insert(shard.to_owned(), figures);
        }
        // Serialising plain maps with string keys into memory cannot fail.
        serde_json::to_vec(&text).unwrap_or_default().into()
    }

    /// Reads a document; `None` if it makes no sense. A lease that makes none is left out.
    #[must_use]
    pub fn decode(body: &[u8]) -> Option<Self> {
        let text: Text = serde_json::from_slice(body).ok()?;
        let mut leases = BTreeMap::new();
        for (life, shards) in text.loads {
            for (shard, figures) in shards {
                let Ok(key) = format!("{life}/{shard}").parse() else { continue };
                let figure = |at: usize| figures.get(at).copied().flatten();
                let load = Load {
                    bytes_per_second: figure(0),
                    records_per_second: figure(1),
                    busy_permille: figure(2),
                    lag: figure(3).map(Duration::from_millis),
                    processed_per_second: None,
                };
                leases.insert(key, load);
            }
        }
        Some(Self { leases })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::lease::Document;

    fn key(shard: usize) -> LeaseKey {
        format!("orders/1700000000000/shardId-{shard:012}").parse().unwrap()
    }

    fn weighing(bytes: u64) -> Load {
        Load { bytes_per_second: Some(bytes), records_per_second: Some(3), ..Load::UNKNOWN }
    }

    fn load() -> impl Strategy<Value = Load> {
        type Figures = (Option<u64>, Option<u64>, Option<u64>, Option<u64>);
        any::<Figures>().prop_map(|(bytes, records, busy, lag)| Load {
            bytes_per_second: bytes,
            records_per_second: records,
            busy_permille: busy,
            lag: lag.map(Duration::from_millis),
            processed_per_second: None,
        })
    }

    proptest! {
        #[test]
        fn a_report_reads_back(loads in proptest::collection::vec(load(), 0..20)) {
            let leases = loads.into_iter().enumerate().map(|(at, load)| (key(at), load));
            let report = LoadReport::new(leases.collect());
            prop_assert_eq!(LoadReport::decode(&report.encode()), Some(report));
        }
    }

    #[test]
    fn what_a_later_version_adds_is_passed_over_and_what_an_earlier_one_lacks_is_unknown() {
        let later = br#"{"v":9,"l":{"orders/7":{"shard-0":[5,null,30,0,77],"?":[1]}},"x":[1]}"#;
        let read = LoadReport::decode(later).unwrap();
        let mut load = Load { bytes_per_second: Some(5), ..Load::UNKNOWN };
        (load.busy_permille, load.lag) = (Some(30), Some(Duration::ZERO));
        assert_eq!(read.leases, BTreeMap::from([("orders/7/shard-0".parse().unwrap(), load)]));
        let earlier = LoadReport::decode(br#"{"l":{"orders/7":{"shard-0":[5]}}}"#).unwrap();
        let load = Load { bytes_per_second: Some(5), ..Load::UNKNOWN };
        assert_eq!(earlier.leases.values().copied().collect::<Vec<_>>(), [load]);
        assert_eq!(LoadReport::decode(b"{}"), Some(LoadReport::default()));
        assert_eq!(LoadReport::decode(b"none"), None);
    }

    #[test]
    fn what_does_not_fit_a_document_is_the_lightest() {
        let leases = (0..LoadReport::LEASES_MAX + 10).map(|at| (key(at), weighing(at as u64)));
        let text = LoadReport::new(leases.collect()).encode();
        assert!(text.len() < Document::MAX_BODY, "{}", text.len());
        let read = LoadReport::decode(&text).unwrap();
        assert_eq!(read.leases.len(), LoadReport::LEASES_MAX);
        assert!(!read.leases.contains_key(&key(9)) && read.leases.contains_key(&key(10)));
    }

    #[test]
    fn a_little_more_or_less_is_much_the_same_and_unknown_is_not_zero() {
        let report = |load| LoadReport::new(BTreeMap::from([(key(0), load)]));
        let told = report(weighing(80_000));
        assert!(told.is_much_like(&report(weighing(89_000))));
        assert!(!told.is_much_like(&report(weighing(100_000))));
        assert!(report(weighing(0)).is_much_like(&report(weighing(900))));
        assert!(!report(Load::UNKNOWN).is_much_like(&report(weighing(0))));
        assert!(!told.is_much_like(&LoadReport::default()));
    }
}
