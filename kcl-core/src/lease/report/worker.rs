//! What one worker tells of itself and of the shards that it reads.

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

/// What one worker tells of itself and of the shards that it reads. Spans end at the time at which
/// the report was measured: to know how long ago something was, add the report's age.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct WorkerReport {
    /// The life of the worker that tells it; `None` in reports of older builds.
    pub incarnation: Option<Incarnation>,
    /// The number of that session's last beat.
    pub beat: u64,
    /// The version of the build.
    pub version: Option<String>,
    /// The worker's own clock.
    pub clock: Option<WallTime>,
    /// The store's clock, as the worker knew it at that time from the answers to its beats.
    pub store_clock: Option<StoreTime>,
    /// For how long the worker had been running.
    pub up: Option<Duration>,
    /// Where it runs, if it was told.
    pub zone: Option<Zone>,
    /// Its effective settings by name, those that matter to the others. No secrets are among them.
    pub settings: BTreeMap<String, String>,
    /// The last call that store or stream denied it.
    pub denial: Option<Denial>,
    /// Calls that store and stream refused because there were too many.
    pub throttles: Throttles,
    /// How much later than it wanted to the worker sent its last beat.
    pub late: Option<Duration>,
    /// Whether a dead letter keeps records that are skipped; `None` in reports of older builds.
    pub keeps_skipped: Option<bool>,
    /// The leases it holds.
    pub shards: BTreeMap<LeaseKey, ShardReport>,
    /// How many leases more it holds, for which the document had no room: the lightest ones that
    /// nothing is wrong with.
    pub left_out: u64,
}

/// What is told of one shard, by its reader.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ShardReport {
    /// How heavy it is, and how far behind.
    pub load: Load,
    /// How long before the report the stream answered a read last.
    pub read: Option<Duration>,
    /// How long before the report records of it were processed last.
    pub progress: Option<Duration>,
    /// Reads of it in the last minute that the stream answered.
    pub reads: Option<u64>,
    /// Reads of it in the last minute that the stream refused because there were too many.
    pub throttled: Option<u64>,
    /// Bytes that these reads brought in a second.
    pub read_bytes_per_second: Option<u64>,
    /// What went wrong with it last.
    pub trouble: Option<Trouble>,
    /// The batch that fails now, or on which the processor makes no progress.
    pub stuck: Option<Stuck>,
    /// The record of it that was skipped last.
    pub skipped: Option<Position>,
}

/// The records on which a shard is stuck.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stuck {
    /// The first of them.
    pub first: Position,
    /// The last of them; the same, if it is one.
    pub last: Position,
}

impl Stuck {
    /// On the records from `first` to `last`.
    #[must_use]
    pub const fn new(first: Position, last: Position) -> Self {
        Self { first, last }
    }
}

/// A call that was denied.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Denial {
    /// Which call, like `store:acquire` or `stream:next`.
    pub call: String,
    /// The kind of the error, like `denied` or `encryption`.
    pub error: String,
    /// How long before the report.
    pub ago: Duration,
    /// How often calls were denied since the worker started.
    pub count: u64,
}

impl Denial {
    /// That this call was denied so long before the report.
    #[must_use]
    pub fn new(call: &str, error: &str, ago: Duration, count: u64) -> Self {
        Self { call: call.to_owned(), error: error.to_owned(), ago, count }
    }
}

/// Calls that were refused because there were too many.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Throttles {
    /// How often, by call, like `store:beat` or `stream:next`.
    pub calls: BTreeMap<String, u64>,
    /// For how long before the report they were counted.
    pub within: Duration,
}

impl Throttles {
    /// These counts, of so long a time before the report.
    #[must_use]
    pub const fn new(calls: BTreeMap<String, u64>, within: Duration) -> Self {
        Self { calls, within }
    }
}

/// The document. What is empty or not known is not written.
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
    /// Of each shard: see [`figures`].
    #[serde(rename = "l", default)]
    loads: ByLife<Vec<Option<u64>>>,
    #[serde(rename = "e", default, skip_serializing_if = "BTreeMap::is_empty")]
    troubles: ByLife<TroubleText>,
    /// The first record on which a shard is stuck, and the last, if it is another.
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

/// What is told of a shard in numbers, each at its place; milliseconds for spans. The first four
/// are what builds before this document told. What is not known at the end is not written.
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
    /// Nothing but the loads of these leases.
    #[must_use]
    pub fn of_loads(loads: impl IntoIterator<Item = (LeaseKey, Load)>) -> Self {
        let shard = |(key, load)| (key, ShardReport { load, ..ShardReport::default() });
        Self { shards: loads.into_iter().map(shard).collect(), ..Self::default() }
    }

    /// What is known of the load of a lease.
    #[must_use]
    pub fn load_of(&self, key: &LeaseKey) -> Option<&Load> {
        self.shards.get(key).map(|shard| &shard.load)
    }

    /// Whether the loads that `other` tells are much the same.
    #[must_use]
    pub fn weighs_much_like(&self, other: &Self) -> bool {
        self.shards.len() == other.shards.len()
            && self.shards.iter().zip(&other.shards).all(|((key, one), (other, another))| {
                key == other && one.load.is_much_like(&another.load)
            })
    }

    /// By how many milliseconds the worker's clock was ahead of the store's: below zero, behind. As
    /// exact as the store tells its time, on DynamoDB to a second or two.
    #[must_use]
    pub fn clock_ahead(&self) -> Option<i64> {
        let (own, store) = (self.clock?.as_millis(), self.store_clock?.0);
        let ahead = i128::from(own) - i128::from(store);
        Some(i64::try_from(ahead).unwrap_or(if ahead < 0 { i64::MIN } else { i64::MAX }))
    }

    /// Whether all workers of an application should have the same value of this setting.
    #[must_use]
    pub fn is_shared_setting(name: &str) -> bool {
        settings::is_shared(name)
    }

    /// The document's text. What does not fit is left out, the lightest leases that nothing is
    /// wrong with first, and counted.
    #[must_use]
    pub fn encode(&self) -> Bytes {
        let mut kept = self.shards.len();
        loop {
            let text = self.text(kept);
            if text.len() <= Document::MAX_BODY || kept == 0 {
                return text;
            }
            // By a little more than the text is too long.
            kept = kept * Document::MAX_BODY / text.len() * 19 / 20;
        }
    }

    /// The text with so many of the leases.
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

    /// Reads a document; `None` if it makes no sense. A lease that makes none is left out.
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
