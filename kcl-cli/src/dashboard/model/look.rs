//! The input of a model: the last answer of each source, and the judgement of the last reading.

use std::collections::BTreeMap;

use kcl_core::{
    env::{Time, WallTime},
    lease::{
        Lease, LeaseKey, Load, WorkerId,
        report::{Moves, Reports, Told, WorkerReport},
    },
};

use super::History;
use crate::{
    doctor::{
        facts::{Facts, Known, Progress, age},
        judge::{Fleet, Verdict},
    },
    times::millis,
};

/// The last good answer of each source. If a source fails, the page shows its last answer with its
/// age, so that rows do not vanish whenever a store is slow. The judges get the last reading alone,
/// in which that source is unknown.
#[derive(Debug)]
pub(crate) struct Shown {
    /// The last reading, with older answers where it has none.
    pub(crate) facts: Facts,
    /// The errors of the last reading, by the name of the source.
    pub(crate) failed: BTreeMap<&'static str, String>,
}

impl Shown {
    /// Replaces what `now` knows, and keeps from `before` what it does not.
    pub(crate) fn after(before: Option<Self>, mut now: Facts) -> Self {
        let mut failed = BTreeMap::new();
        let mut before = before.map(|shown| shown.facts);
        macro_rules! keep {
            ($($source:ident: $name:literal),+) => {$(
                if let Some(why) = now.$source.failed() {
                    failed.insert($name, why.to_owned());
                }
                if now.$source.get().is_none()
                    && let Some(before) = before.as_mut().filter(|it| it.$source.get().is_some())
                {
                    std::mem::swap(&mut now.$source, &mut before.$source);
                }
            )+};
        }
        keep!(
            sessions: "sessions",
            leases: "leases",
            documents: "documents",
            stream: "stream",
            shards: "shards",
            lags: "lag"
        );
        Self { facts: now, failed }
    }

    /// Each source: its name, when it was read last, and why the last reading lacks it.
    pub(super) fn sources(&self) -> [(&'static str, Option<Time>, Option<String>); 6] {
        let facts = &self.facts;
        let of = |name, at: Option<Time>, left_out: Option<&'static str>| {
            let why = self.failed.get(name).cloned();
            (name, at, why.or_else(|| left_out.map(str::to_owned)))
        };
        [
            of("sessions", at(&facts.sessions), left_out(&facts.sessions)),
            of("leases", at(&facts.leases), left_out(&facts.leases)),
            of("documents", at(&facts.documents), left_out(&facts.documents)),
            of("stream", at(&facts.stream), left_out(&facts.stream)),
            of("shards", at(&facts.shards), left_out(&facts.shards)),
            of("lag", at(&facts.lags), left_out(&facts.lags)),
        ]
    }
}

/// When the source answered.
const fn at<T>(known: &Known<T>) -> Option<Time> {
    match known {
        Known::Read { at, .. } => Some(*at),
        Known::Failed(_) | Known::LeftOut(_) => None,
    }
}

/// Why the dashboard does not ask the source.
const fn left_out<T>(known: &Known<T>) -> Option<&'static str> {
    match known {
        Known::LeftOut(why) => Some(why),
        Known::Read { .. } | Known::Failed(_) => None,
    }
}

/// Everything from which a model is made.
#[derive(Debug)]
pub(crate) struct Look<'a> {
    pub(crate) shown: &'a Shown,
    pub(crate) verdict: &'a Verdict,
    pub(crate) progress: &'a Progress,
    pub(crate) history: &'a History,
    /// The last moves by the planner's report; `None` if unknown.
    pub(crate) planned: Option<&'a Moves>,
}

impl<'a> Look<'a> {
    /// The facts that the page shows: the last answer of each source.
    pub(super) const fn facts(&self) -> &'a Facts {
        &self.shown.facts
    }

    /// The fleet. It is unknown if the last reading lacks the sessions: old rows do not tell
    /// whether a worker lives now.
    pub(super) fn fleet(&self) -> Fleet<'a> {
        match self.shown.failed.get("sessions") {
            None => Fleet::of(&self.shown.facts),
            Some(_) => Fleet::unknown(),
        }
    }

    /// The time of the wall clock at a time of the monotonic clock.
    pub(super) fn wall(&self, at: Time) -> WallTime {
        self.facts().wall.minus(self.facts().at.since(at))
    }

    /// The reports, and when they were read; `None` if they never were.
    pub(super) fn reports(&self) -> Option<(&'a Reports, Time)> {
        match &self.facts().documents {
            Known::Read { value, at } => Some((&value.reports, *at)),
            Known::Failed(_) | Known::LeftOut(_) => None,
        }
    }

    /// The loads that workers report, by worker and lease.
    pub(super) fn loads(&self) -> BTreeMap<(&'a WorkerId, &'a LeaseKey), &'a Load> {
        let reports = self.reports().into_iter().flat_map(|(it, _)| &it.workers);
        let of = |(worker, told): (&'a WorkerId, &'a Told<WorkerReport>)| {
            told.value.shards.iter().map(move |(key, shard)| ((worker, key), &shard.load))
        };
        reports.flat_map(of).collect()
    }

    /// The lag of a lease in milliseconds, with its source. The first that is known counts: a
    /// `record` that this dashboard read, the worker's `report`, the row's `checkpoint`.
    pub(super) fn lag(&self, lease: &Lease, load: Option<&Load>) -> Option<(u64, &'static str)> {
        let facts = self.facts();
        let asked = facts.lags.get().and_then(|lags| age(lags.get(&lease.key)?, facts.wall));
        let told = [
            (asked, "record"),
            (load.and_then(|load| load.lag), "report"),
            (lease.progress.lag, "checkpoint"),
        ];
        told.into_iter().find_map(|(lag, from)| Some((millis(lag?), from)))
    }
}
