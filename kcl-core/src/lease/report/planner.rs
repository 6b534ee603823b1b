//! The report of the planner on its plan.

use std::{collections::BTreeMap, time::Duration};

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::lives::{join, split};
use crate::{
    assignment::Limits,
    lease::{Incarnation, LeaseKey, PlanVersion, SessionId, StoreTime, load::millis},
};

/// The content of the document [`crate::lease::DocName::planner_report`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PlannerReport {
    /// The planner's session.
    pub planner: SessionId,
    /// The number of that session's last beat.
    pub beat: u64,
    /// The newest version of the plan.
    pub plan: PlanVersion,
    /// The planner's release; `None` in reports of releases that do not write it.
    pub version: Option<String>,
    /// The store's clock when the report was made, as the planner knew it.
    pub store_clock: Option<StoreTime>,
    /// The setting `balance`: `even`, `weighted` or `keep`.
    pub balance: String,
    /// The limits of leases for each worker.
    pub limits: Limits,
    /// Whether the operator has frozen the fleet: no lease of a live worker moves.
    pub frozen: bool,
    /// The number of workers in the plan.
    pub workers: u64,
    /// The number of runnable leases.
    pub runnable: u64,
    /// The leases that no worker may take, with reasons, worst lag first.
    pub unassigned: Vec<Unassigned>,
    /// The number of further such leases, which did not fit in the document.
    pub left_out: u64,
    /// The stream's retention period; `None` if unknown.
    pub retention: Option<Duration>,
    /// The number of workers that the measured load needs; `None` if too little of it is known.
    pub desired_workers: Option<u64>,
    /// The highest load that a worker was seen to bear, in thousandths of one fully busy shard.
    pub borne: Option<u64>,
}

/// A lease that no worker may take.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Unassigned {
    /// The lease.
    pub lease: LeaseKey,
    /// The reason, in words.
    pub reason: String,
    /// The time since which planners have seen it so, by the store's clock.
    pub since: Option<StoreTime>,
    /// The highest possible age of the oldest unread record; `None` if unknown.
    pub oldest_unread: Option<Duration>,
}

impl Unassigned {
    /// An unassigned lease of which only the reason is known.
    #[must_use]
    pub const fn new(lease: LeaseKey, reason: String) -> Self {
        Self { lease, reason, since: None, oldest_unread: None }
    }
}

/// The document as JSON.
#[derive(Debug, Serialize, Deserialize)]
struct Text {
    #[serde(rename = "w")]
    worker: String,
    #[serde(rename = "i")]
    incarnation: Incarnation,
    #[serde(rename = "b", default)]
    beat: u64,
    #[serde(rename = "p")]
    plan: PlanVersion,
    #[serde(rename = "v", default, skip_serializing_if = "Option::is_none")]
    version: Option<String>,
    #[serde(rename = "t", default, skip_serializing_if = "Option::is_none")]
    store_clock: Option<u64>,
    #[serde(rename = "m", default)]
    balance: String,
    #[serde(rename = "x", default, skip_serializing_if = "Option::is_none")]
    per_worker: Option<u32>,
    #[serde(rename = "xf", default, skip_serializing_if = "is_false")]
    fair_share: bool,
    #[serde(rename = "f", default, skip_serializing_if = "is_false")]
    frozen: bool,
    #[serde(rename = "n", default)]
    workers: u64,
    #[serde(rename = "r", default)]
    runnable: u64,
    /// The texts of all reasons; each lease of `unassigned` names one by its place.
    #[serde(rename = "y", default, skip_serializing_if = "Vec::is_empty")]
    reasons: Vec<String>,
    #[serde(rename = "l", default, skip_serializing_if = "Vec::is_empty")]
    lives: Vec<String>,
    #[serde(rename = "u", default, skip_serializing_if = "Vec::is_empty")]
    unassigned: Vec<Line>,
    #[serde(rename = "o", default, skip_serializing_if = "is_zero")]
    left_out: u64,
    #[serde(rename = "k", default, skip_serializing_if = "Option::is_none")]
    retention: Option<u64>,
    #[serde(rename = "d", default, skip_serializing_if = "Option::is_none")]
    desired_workers: Option<u64>,
    #[serde(rename = "c", default, skip_serializing_if = "Option::is_none")]
    borne: Option<u64>,
}

/// An unassigned lease in the document. Its life and its reason are places in the lists of
/// [`Text`].
#[derive(Debug, Serialize, Deserialize)]
struct Line {
    #[serde(rename = "s")]
    shard: String,
    #[serde(rename = "y")]
    reason: usize,
    #[serde(rename = "l", default, skip_serializing_if = "is_first")]
    life: usize,
    #[serde(rename = "a", default, skip_serializing_if = "Option::is_none")]
    since: Option<u64>,
    #[serde(rename = "u", default, skip_serializing_if = "Option::is_none")]
    oldest_unread: Option<u64>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "as serde calls it")]
const fn is_false(of: &bool) -> bool {
    !*of
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "as serde calls it")]
const fn is_zero(of: &u64) -> bool {
    *of == 0
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "as serde calls it")]
const fn is_first(of: &usize) -> bool {
    *of == 0
}

impl PlannerReport {
    /// The most unassigned leases in a document. With the longest possible names, they fit.
    pub const UNASSIGNED_MAX: usize = 500;

    /// The longest reason, in characters.
    const REASON_MAX: usize = 200;

    /// A report of this planner and plan, with all other fields unknown or empty.
    #[must_use]
    pub const fn new(planner: SessionId, plan: PlanVersion) -> Self {
        Self {
            planner,
            beat: 0,
            plan,
            version: None,
            store_clock: None,
            balance: String::new(),
            limits: Limits { per_worker: None, fair_share: false },
            frozen: false,
            workers: 0,
            runnable: 0,
            unassigned: Vec::new(),
            left_out: 0,
            retention: None,
            desired_workers: None,
            borne: None,
        }
    }

    /// The reason why no worker may take `key`; `None` if the report does not name it.
    #[must_use]
    pub fn reason_of(&self, key: &LeaseKey) -> Option<&str> {
        let told = self.unassigned.iter().find(|it| it.lease == *key);
        told.map(|it| it.reason.as_str())
    }

    /// True if `other` describes the same plan. Ignores beats, plan version, times and
    /// measurements.
    #[must_use]
    pub fn says_the_same(&self, other: &Self) -> bool {
        let timeless = |it: &Self| {
            let (beat, plan, store_clock) = (0, PlanVersion::NONE, None);
            let ageless = |it: &Unassigned| Unassigned::new(it.lease.clone(), it.reason.clone());
            let unassigned = it.unassigned.iter().map(ageless).collect();
            // Measurements change all the time; the next report of the minute has them.
            Self { beat, plan, store_clock, unassigned, borne: None, ..it.clone() }
        };
        timeless(self) == timeless(other)
    }

    /// The content as JSON. Has at most [`Self::UNASSIGNED_MAX`] unassigned leases, and counts the
    /// rest in `left_out`.
    #[must_use]
    pub fn encode(&self) -> Bytes {
        let (mut reasons, mut lives) = (Vec::new(), Vec::new());
        let place = |all: &mut Vec<String>, name: &str| {
            let known = all.iter().position(|it| it == name);
            known.unwrap_or_else(|| {
                all.push(name.to_owned());
                all.len() - 1
            })
        };
        let told = self.unassigned.iter().take(Self::UNASSIGNED_MAX);
        let lines: Vec<Line> = told
            .filter_map(|it| {
                let (life, shard) = split(&it.lease)?;
                let reason: String = it.reason.chars().take(Self::REASON_MAX).collect();
                let (life, reason) = (place(&mut lives, life), place(&mut reasons, &reason));
                Some(Line {
                    shard: shard.to_owned(),
                    reason,
                    life,
                    since: it.since.map(|at| at.0),
                    oldest_unread: it.oldest_unread.map(millis),
                })
            })
            .collect();
        let left_out = self.left_out.saturating_add((self.unassigned.len() - lines.len()) as u64);
        let text = Text {
            worker: self.planner.worker.as_str().to_owned(),
            incarnation: self.planner.incarnation,
            beat: self.beat,
            plan: self.plan,
            version: self.version.clone(),
            store_clock: self.store_clock.map(|at| at.0),
            balance: self.balance.clone(),
            per_worker: self.limits.per_worker,
            fair_share: self.limits.fair_share,
            frozen: self.frozen,
            workers: self.workers,
            runnable: self.runnable,
            reasons,
            lives,
            unassigned: lines,
            left_out,
            retention: self.retention.map(millis),
            desired_workers: self.desired_workers,
            borne: self.borne,
        };
        // Serialising plain structs with string keys into memory cannot fail.
        serde_json::to_vec(&text).unwrap_or_default().into()
    }

    /// Reads the content from JSON; `None` if the text is no such document. Leaves out leases with
    /// invalid names.
    #[must_use]
    pub fn decode(body: &[u8]) -> Option<Self> {
        let text: Text = serde_json::from_slice(body).ok()?;
        let told = text.unassigned.iter().filter_map(|line| {
            let lease = join(text.lives.get(line.life)?, &line.shard)?;
            let reason = text.reasons.get(line.reason)?.chars().take(Self::REASON_MAX);
            let mut told = Unassigned::new(lease, reason.collect());
            told.since = line.since.map(StoreTime);
            told.oldest_unread = line.oldest_unread.map(Duration::from_millis);
            Some(told)
        });
        let mut unassigned: Vec<Unassigned> = told.collect();
        let over = unassigned.len().saturating_sub(Self::UNASSIGNED_MAX) as u64;
        unassigned.truncate(Self::UNASSIGNED_MAX);
        Some(Self {
            unassigned,
            planner: SessionId::new(text.worker.parse().ok()?, text.incarnation),
            beat: text.beat,
            plan: text.plan,
            version: text.version,
            store_clock: text.store_clock.map(StoreTime),
            balance: text.balance,
            limits: Limits { per_worker: text.per_worker, fair_share: text.fair_share },
            frozen: text.frozen,
            workers: text.workers,
            runnable: text.runnable,
            left_out: text.left_out.saturating_add(over),
            retention: text.retention.map(Duration::from_millis),
            desired_workers: text.desired_workers,
            borne: text.borne,
        })
    }
}

impl PlannerReport {
    /// Each reason in the report, with the number of its leases.
    #[must_use]
    pub fn reasons(&self) -> BTreeMap<&str, usize> {
        let mut counts = BTreeMap::new();
        for it in &self.unassigned {
            *counts.entry(it.reason.as_str()).or_default() += 1;
        }
        counts
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::lease::{Document, Epoch};

    fn planner() -> SessionId {
        SessionId::new("w1".parse().unwrap(), Incarnation::from_bits(7))
    }

    fn unassigned() -> impl Strategy<Value = Unassigned> {
        let times = (any::<Option<u64>>(), prop::option::of(0..1_000_000_u64));
        (0..3_usize, 0..50_usize, "[a-z ]{1,3}", times).prop_map(
            |(life, shard, reason, (since, oldest))| {
                let lease = format!("orders-{life}/1700000000000/shardId-{shard:012}");
                let mut told = Unassigned::new(lease.parse().unwrap(), reason);
                told.since = since.map(StoreTime);
                told.oldest_unread = oldest.map(Duration::from_millis);
                told
            },
        )
    }

    prop_compose! {
        fn report()(
            (beat, term, version, clock) in any::<(u64, u64, u64, Option<u64>)>(),
            (per_worker, fair_share, frozen) in any::<(Option<u32>, bool, bool)>(),
            (workers, runnable, left_out) in any::<(u64, u64, u32)>(),
            (desired_workers, borne) in any::<(Option<u64>, Option<u64>)>(),
            retention in prop::option::of(0..1_000_000_u64),
            balance in prop::sample::select(vec!["even", "weighted", "keep"]),
            build in prop::option::of("[0-9.]{1,9}"),
            unassigned in proptest::collection::vec(unassigned(), 0..20),
        ) -> PlannerReport {
            PlannerReport {
                planner: planner(),
                beat,
                plan: PlanVersion { term: Epoch(term), version },
                version: build,
                store_clock: clock.map(StoreTime),
                balance: balance.to_owned(),
                limits: Limits { per_worker, fair_share },
                frozen,
                workers,
                runnable,
                unassigned,
                left_out: left_out.into(),
                retention: retention.map(Duration::from_millis),
                desired_workers,
                borne,
            }
        }
    }

    proptest! {
        #[test]
        fn a_report_reads_back(report in report()) {
            prop_assert_eq!(PlannerReport::decode(&report.encode()), Some(report));
        }
    }

    #[test]
    fn as_many_are_named_as_fit_whatever_their_names_and_the_rest_is_counted() {
        let mut report = PlannerReport::new(planner(), PlanVersion::NONE);
        report.unassigned = (0..600)
            .map(|at| {
                let lease = format!("{}/{}/{at:0128}", "s".repeat(128), u64::MAX - at);
                Unassigned::new(lease.parse().unwrap(), format!("{at:0400}"))
            })
            .collect();
        let text = report.encode();
        assert!(text.len() < Document::MAX_BODY, "{}", text.len());
        let read = PlannerReport::decode(&text).unwrap();
        assert_eq!((read.unassigned.len(), read.left_out), (PlannerReport::UNASSIGNED_MAX, 100));
        assert_eq!(read.unassigned[499].lease, report.unassigned[499].lease);
    }

    #[test]
    fn what_a_later_version_adds_is_passed_over_and_what_makes_no_sense_left_out() {
        let text = br#"{"w":"a","i":"00000000-0000-0000-0000-000000000007","p":{"t":3,"v":4},
            "y":["full"],"l":["orders/7"],"u":[{"s":"shard-0","y":0,"q":1},{"s":"?","y":0},
            {"s":"shard-1","y":9}],"later":{}}"#;
        let read = PlannerReport::decode(text).unwrap();
        assert_eq!(read.plan, PlanVersion { term: Epoch(3), version: 4 });
        let key = "orders/7/shard-0".parse().unwrap();
        assert_eq!(read.unassigned, [Unassigned::new(key, "full".to_owned())]);
        assert_eq!(read.reasons(), BTreeMap::from([("full", 1)]));
        assert_eq!(read.desired_workers, None, "unknown is not zero");
        for odd in ["", "{}", r#"{"w":"a"}"#] {
            assert_eq!(PlannerReport::decode(odd.as_bytes()), None, "{odd}");
        }
    }

    #[test]
    fn when_it_was_written_is_nothing_new() {
        let mut report = PlannerReport::new(planner(), PlanVersion::NONE);
        let before = report.clone();
        (report.beat, report.store_clock) = (9, Some(StoreTime(5)));
        report.plan.version = 4;
        assert!(report.says_the_same(&before));
        report.desired_workers = Some(3);
        assert!(!report.says_the_same(&before));
    }
}
