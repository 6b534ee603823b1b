//! The report of one worker on itself and on the shards that it reads.

use std::{cmp::Reverse, collections::BTreeMap, time::Duration};

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::{
    lives::{self, ByLife},
    settings,
    trouble::{Trouble, TroubleKind},
};
use crate::{
    env::WallTime,
    lease::{Document, Incarnation, LeaseKey, Load, StoreTime, Zone, load::millis},
    stream::Position,
};

/// The content of the document [`crate::lease::DocName::report`] of one worker. Durations count
/// back from the time of the report; add the report's age to count from now.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct WorkerReport {
    /// The incarnation of the session that wrote it; `None` in reports of older releases.
    pub incarnation: Option<Incarnation>,
    /// The number of that session's last beat.
    pub beat: u64,
    /// The worker's release.
    pub version: Option<String>,
    /// The worker's own clock at the time of the report.
    pub clock: Option<WallTime>,
    /// The store's clock at the same time, as the worker knew it from the answers to its beats.
    pub store_clock: Option<StoreTime>,
    /// The time since the worker started.
    pub up: Option<Duration>,
    /// The zone from the worker's settings.
    pub zone: Option<Zone>,
    /// The worker's settings by name, as far as they matter to other workers. None is a secret.
    pub settings: BTreeMap<String, String>,
    /// The last call that the store or the stream denied.
    pub denial: Option<Denial>,
    /// The calls that the store or the stream throttled.
    pub throttles: Throttles,
    /// The delay of the worker's last beat against its schedule.
    pub late: Option<Duration>,
    /// Whether a dead-letter sink keeps skipped records; `None` in reports of older releases.
    pub keeps_skipped: Option<bool>,
    /// The leases that the worker holds.
    pub shards: BTreeMap<LeaseKey, ShardReport>,
    /// The number of further leases, which did not fit in the document: those without a fault and
    /// with the lowest load.
    pub left_out: u64,
}

/// The report on one shard.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ShardReport {
    /// The load and the lag.
    pub load: Load,
    /// The time since the stream last answered a read.
    pub read: Option<Duration>,
    /// The time since records were last processed.
    pub progress: Option<Duration>,
    /// The number of answered reads in the last minute.
    pub reads: Option<u64>,
    /// The number of throttled reads in the last minute.
    pub throttled: Option<u64>,
    /// The bytes per second that these reads returned.
    pub read_bytes_per_second: Option<u64>,
    /// The last fault.
    pub trouble: Option<Trouble>,
    /// The batch that fails now, or on which the processor makes no progress.
    pub stuck: Option<Stuck>,
    /// The last record that was skipped.
    pub skipped: Option<Position>,
}

/// The failing batch of a shard.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stuck {
    /// The first record.
    pub first: Position,
    /// The last record; equal to `first` for a single record.
    pub last: Position,
}

impl Stuck {
    /// The batch from `first` to `last`.
    #[must_use]
    pub const fn new(first: Position, last: Position) -> Self {
        Self { first, last }
    }
}

/// A call that the store or the stream denied.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Denial {
    /// The call, such as `store:acquire` or `stream:next`.
    pub call: String,
    /// The kind of the error, such as `denied` or `encryption`.
    pub error: String,
    /// The time from the denial to the report.
    pub ago: Duration,
    /// The number of denied calls since the worker started.
    pub count: u64,
}

impl Denial {
    /// A denial with these fields.
    #[must_use]
    pub fn new(call: &str, error: &str, ago: Duration, count: u64) -> Self {
        Self { call: call.to_owned(), error: error.to_owned(), ago, count }
    }
}

/// The calls that the store or the stream throttled.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Throttles {
    /// The number of throttled calls, by call, such as `store:beat` or `stream:next`.
    pub calls: BTreeMap<String, u64>,
    /// The time before the report in which they were counted.
    pub within: Duration,
}

impl Throttles {
    /// Throttled calls with these fields.
    #[must_use]
    pub const fn new(calls: BTreeMap<String, u64>, within: Duration) -> Self {
        Self { calls, within }
    }
}

/// The document as JSON. Empty and unknown fields are left out.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Text {
    #[serde(rename = "i", default, skip_serializing_if = "Option::is_none")]
    incarnation: Option<Incarnation>,
    #[serde(rename = "b", default)]
    beat: u64,
    #[serde(rename = "v", default, skip_serializing_if = "Option::is_none")]
    version: Option<String>,
    #[serde(rename = "c", default, skip_serializing_if = "Option::is_none")]
    clock: Option<u64>,
    #[serde(rename = "t", default, skip_serializing_if = "Option::is_none")]
    store_clock: Option<u64>,
    #[serde(rename = "u", default, skip_serializing_if = "Option::is_none")]
    up: Option<u64>,
    #[serde(rename = "z", default, skip_serializing_if = "Option::is_none")]
    zone: Option<String>,
    #[serde(rename = "s", default, skip_serializing_if = "BTreeMap::is_empty")]
    settings: BTreeMap<String, String>,
    #[serde(rename = "d", default, skip_serializing_if = "Option::is_none")]
    denial: Option<DenialText>,
    #[serde(rename = "q", default, skip_serializing_if = "BTreeMap::is_empty")]
    throttles: BTreeMap<String, u64>,
    #[serde(rename = "qs", default, skip_serializing_if = "is_zero")]
    throttles_within: u64,
    #[serde(rename = "y", default, skip_serializing_if = "Option::is_none")]
    late: Option<u64>,
    #[serde(rename = "k", default, skip_serializing_if = "Option::is_none")]
    keeps_skipped: Option<bool>,
    /// The numbers of each shard: see [`figures`].
    #[serde(rename = "l", default)]
    loads: ByLife<Vec<Option<u64>>>,
    #[serde(rename = "e", default, skip_serializing_if = "BTreeMap::is_empty")]
    troubles: ByLife<TroubleText>,
    /// The first and the last record of each failing batch; one position if they are equal.
    #[serde(rename = "j", default, skip_serializing_if = "BTreeMap::is_empty")]
    stuck: ByLife<Vec<String>>,
    #[serde(rename = "h", default, skip_serializing_if = "BTreeMap::is_empty")]
    skipped: ByLife<String>,
    #[serde(rename = "o", default, skip_serializing_if = "is_zero")]
    left_out: u64,
}

#[derive(Debug, Serialize, Deserialize)]
struct DenialText {
    #[serde(rename = "c")]
    call: String,
    #[serde(rename = "e")]
    error: String,
    #[serde(rename = "a")]
    ago: u64,
    #[serde(rename = "n", default)]
    count: u64,
}

#[derive(Debug, Serialize, Deserialize)]
struct TroubleText {
    #[serde(rename = "k")]
    kind: String,
    #[serde(rename = "a", default)]
    ago: u64,
    #[serde(rename = "f", default, skip_serializing_if = "Option::is_none")]
    failing: Option<u64>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "as serde calls it")]
const fn is_zero(of: &u64) -> bool {
    *of == 0
}

/// The numbers of a shard, each at a fixed place; durations in milliseconds. Older releases know
/// only the first four. Unknown numbers at the end are left out.
fn figures(shard: &ShardReport) -> Vec<Option<u64>> {
    let mut all = vec![
        shard.load.bytes_per_second,
        shard.load.records_per_second,
        shard.load.busy_permille,
        shard.load.lag.map(millis),
        shard.load.processed_per_second,
        shard.read.map(millis),
        shard.progress.map(millis),
        shard.reads,
        shard.throttled,
        shard.read_bytes_per_second,
    ];
    while all.last().is_some_and(Option::is_none) {
        all.pop();
    }
    all
}

/// Reads the numbers of [`figures`].
fn of_figures(figures: &[Option<u64>]) -> ShardReport {
    let figure = |at: usize| figures.get(at).copied().flatten();
    let span = |at: usize| figure(at).map(Duration::from_millis);
    ShardReport {
        load: Load {
            bytes_per_second: figure(0),
            records_per_second: figure(1),
            busy_permille: figure(2),
            lag: span(3),
            processed_per_second: figure(4),
        },
        read: span(5),
        progress: span(6),
        reads: figure(7),
        throttled: figure(8),
        read_bytes_per_second: figure(9),
        ..ShardReport::default()
    }
}

impl WorkerReport {
    /// A report with the loads of these leases and nothing else.
    #[must_use]
    pub fn of_loads(loads: impl IntoIterator<Item = (LeaseKey, Load)>) -> Self {
        let shard = |(key, load)| (key, ShardReport { load, ..ShardReport::default() });
        Self { shards: loads.into_iter().map(shard).collect(), ..Self::default() }
    }

    /// The load of a lease; `None` if the report does not name the lease.
    #[must_use]
    pub fn load_of(&self, key: &LeaseKey) -> Option<&Load> {
        self.shards.get(key).map(|shard| &shard.load)
    }

    /// True if `other` has the same leases with much the same loads ([`Load::is_much_like`]).
    #[must_use]
    pub fn weighs_much_like(&self, other: &Self) -> bool {
        self.shards.len() == other.shards.len()
            && self.shards.iter().zip(&other.shards).all(|((key, one), (other, another))| {
                key == other && one.load.is_much_like(&another.load)
            })
    }

    /// The worker's clock minus the store's, in milliseconds; `None` if either is unknown. Only as
    /// exact as the store reports its time: with DynamoDB to a second or two.
    #[must_use]
    pub fn clock_ahead(&self) -> Option<i64> {
        let (own, store) = (self.clock?.as_millis(), self.store_clock?.0);
        let ahead = i128::from(own) - i128::from(store);
        Some(i64::try_from(ahead).unwrap_or(if ahead < 0 { i64::MIN } else { i64::MAX }))
    }

    /// True if all workers of an application should have the same value of this setting.
    #[must_use]
    pub fn is_shared_setting(name: &str) -> bool {
        settings::is_shared(name)
    }

    /// The content as JSON. If it is too long for a document, leases are left out and counted:
    /// first those without a fault, from the lowest load on.
    #[must_use]
    pub fn encode(&self) -> Bytes {
        let mut kept = self.shards.len();
        loop {
            let text = self.text(kept);
            if text.len() <= Document::MAX_BODY || kept == 0 {
                return text;
            }
            // Fewer leases, in proportion to the excess and by a twentieth more.
            kept = kept * Document::MAX_BODY / text.len() * 19 / 20;
        }
    }

    /// The content with the `kept` most important leases.
    fn text(&self, kept: usize) -> Bytes {
        let mut text = Text {
            incarnation: self.incarnation,
            beat: self.beat,
            version: self.version.clone(),
            clock: self.clock.map(WallTime::as_millis),
            store_clock: self.store_clock.map(|at| at.0),
            up: self.up.map(millis),
            zone: self.zone.as_ref().map(|zone| zone.as_str().to_owned()),
            settings: settings::by_letter(&self.settings),
            denial: self.denial.as_ref().map(|denial| DenialText {
                call: denial.call.clone(),
                error: denial.error.clone(),
                ago: millis(denial.ago),
                count: denial.count,
            }),
            throttles: self.throttles.calls.clone(),
            throttles_within: millis(self.throttles.within),
            late: self.late.map(millis),
            keeps_skipped: self.keeps_skipped,
            left_out: self.left_out.saturating_add((self.shards.len() - kept) as u64),
            ..Text::default()
        };
        let mut shards: Vec<(&LeaseKey, &ShardReport)> = self.shards.iter().collect();
        if kept < shards.len() {
            let weight =
                |shard: &ShardReport| (shard.trouble.is_some(), shard.load.bytes_per_second);
            shards.sort_by_key(|(_, shard)| Reverse(weight(shard)));
            shards.truncate(kept);
        }
        for (key, shard) in shards {
            lives::add(&mut text.loads, key, figures(shard));
            if let Some(trouble) = &shard.trouble {
                let kind = trouble.kind.as_str().to_owned();
                let (ago, failing) = (millis(trouble.ago), trouble.failing.map(millis));
                lives::add(&mut text.troubles, key, TroubleText { kind, ago, failing });
            }
            if let Some(Stuck { first, last }) = &shard.stuck {
                let last = (first != last).then_some(last);
                let both = [Some(first), last].into_iter().flatten().map(ToString::to_string);
                lives::add(&mut text.stuck, key, both.collect());
            }
            if let Some(at) = &shard.skipped {
                lives::add(&mut text.skipped, key, at.to_string());
            }
        }
        // Serialising plain structs with string keys into memory cannot fail.
        serde_json::to_vec(&text).unwrap_or_default().into()
    }

    /// Reads the content from JSON; `None` if the text is no such document. Leaves out leases with
    /// invalid names.
    #[must_use]
    pub fn decode(body: &[u8]) -> Option<Self> {
        let text: Text = serde_json::from_slice(body).ok()?;
        let mut shards: BTreeMap<LeaseKey, ShardReport> =
            lives::each(text.loads).map(|(key, figures)| (key, of_figures(&figures))).collect();
        for (key, TroubleText { kind, ago, failing }) in lives::each(text.troubles) {
            if let Some(shard) = shards.get_mut(&key) {
                let failing = failing.map(Duration::from_millis);
                let kind = TroubleKind::named(&kind);
                shard.trouble = Some(Trouble::new(kind, Duration::from_millis(ago), failing));
            }
        }
        for (key, both) in lives::each(text.stuck) {
            if let Some(shard) = shards.get_mut(&key) {
                let mut both = both.iter().filter_map(|at| at.parse::<Position>().ok());
                shard.stuck = both.next().map(|first| {
                    let last = both.next().unwrap_or_else(|| first.clone());
                    Stuck { first, last }
                });
            }
        }
        for (key, at) in lives::each(text.skipped) {
            if let Some(shard) = shards.get_mut(&key) {
                shard.skipped = at.parse().ok();
            }
        }
        let denial = |denial: DenialText| Denial {
            call: denial.call,
            error: denial.error,
            ago: Duration::from_millis(denial.ago),
            count: denial.count,
        };
        Some(Self {
            incarnation: text.incarnation,
            beat: text.beat,
            version: text.version,
            clock: text.clock.map(WallTime::from_millis),
            store_clock: text.store_clock.map(StoreTime),
            up: text.up.map(Duration::from_millis),
            zone: text.zone.and_then(|zone| zone.parse().ok()),
            settings: settings::by_name(text.settings),
            denial: text.denial.map(denial),
            throttles: Throttles {
                calls: text.throttles,
                within: Duration::from_millis(text.throttles_within),
            },
            late: text.late.map(Duration::from_millis),
            keeps_skipped: text.keeps_skipped,
            shards,
            left_out: text.left_out,
        })
    }
}

#[cfg(test)]
mod tests;
