//! The verdict: one JSON object.

use serde::Serialize;

use super::{
    args::DemoArgs,
    facts::{History, Millis},
    judge::{EventReport, Findings, Records, judge},
    store::DemoStore,
};

/// The verdict on a run, as it is written to stdout. [`crate::demo`] documents its keys.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Verdict {
    verdict: Word,
    problems: Vec<String>,
    seed: u64,
    rate: u32,
    store: String,
    duration_ms: Millis,
    records: Records,
    lag_ms: Lag,
    events: Vec<EventReport>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Word {
    Ok,
    Bad,
}

/// The time from the put of a record until it was processed for the first time, in milliseconds.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub(super) struct Lag {
    p50: Millis,
    p99: Millis,
    max: Millis,
}

impl Verdict {
    /// Judges a run that is over.
    pub(super) fn of(
        history: &History,
        troubles: &[String],
        args: &DemoArgs,
        store: &DemoStore,
    ) -> Self {
        let Findings { records, events, mut problems } = judge(history);
        problems.extend(troubles.iter().cloned());
        let verdict = if problems.is_empty() { Word::Ok } else { Word::Bad };
        Self {
            verdict,
            problems,
            seed: args.seed,
            rate: args.rate,
            store: store.to_string(),
            duration_ms: history.over,
            records,
            lag_ms: Lag::of(history),
            events,
        }
    }

    /// Whether nothing is wrong.
    pub(super) fn is_ok(&self) -> bool {
        self.verdict == Word::Ok
    }

    /// The problems, in words; empty for a good run.
    pub(super) fn problems(&self) -> &[String] {
        &self.problems
    }

    /// The address of the lease store.
    pub(super) fn store(&self) -> &str {
        &self.store
    }

    /// The results of the records.
    pub(super) const fn records(&self) -> &Records {
        &self.records
    }

    /// The lag of the records.
    pub(super) const fn lag(&self) -> &Lag {
        &self.lag_ms
    }

    /// For each cue of the script, how the fleet answered it.
    pub(super) fn events(&self) -> &[EventReport] {
        &self.events
    }
}

impl Lag {
    fn of(history: &History) -> Self {
        let mut seen = std::collections::BTreeSet::new();
        let firsts = history.deliveries.iter().filter(|delivery| seen.insert(delivery.id));
        let mut lags: Vec<Millis> = firsts.map(|delivery| delivery.lag).collect();
        lags.sort_unstable();
        let max = lags.last().copied().unwrap_or(0);
        Self { p50: percentile(&lags, 50), p99: percentile(&lags, 99), max }
    }

    /// Half of the records had a smaller lag.
    pub(super) const fn p50(&self) -> Millis {
        self.p50
    }

    /// 99 of 100 records had a smaller lag.
    pub(super) const fn p99(&self) -> Millis {
        self.p99
    }
}

/// The value that `percent` of these sorted values do not exceed; zero if there are none.
pub(super) fn percentile(sorted: &[Millis], percent: usize) -> Millis {
    let at = (sorted.len() * percent).div_ceil(100).saturating_sub(1);
    sorted.get(at).copied().unwrap_or(0)
}
