//! The input of a frame: a copy of what the ledger has at a moment.

use std::collections::BTreeMap;

use crate::demo::{
    facts::{Cue, Delivery, History, Millis, WorkerNo},
    ledger::Ledger,
    verdict::percentile,
};

/// A part of the script that has begun.
#[derive(Clone, Debug)]
pub(in crate::demo) struct Act {
    /// Its name in one word, like `split`.
    pub(in crate::demo) name: &'static str,
    /// What happens, in a sentence.
    pub(in crate::demo) headline: String,
    /// How long it took until the fleet was in balance; `None` while it is not.
    pub(in crate::demo) took: Option<Millis>,
}

/// A moment of the run. Counts are since its start.
#[derive(Clone, Debug)]
pub(in crate::demo) struct Scene {
    pub(super) now: Millis,
    /// About how long the whole run takes: the width of the timeline.
    pub(super) expected: Millis,
    /// The parts of the script that have begun.
    pub(super) acts: Vec<Act>,
    /// The workers that ever started.
    pub(super) workers: Vec<WorkerRow>,
    pub(super) produced: usize,
    pub(super) processed: usize,
    pub(super) duplicates: usize,
    pub(super) moves: usize,
    /// Records processed for the first time in the last second.
    pub(super) rate: usize,
    /// The 99th percentile of their lag.
    pub(super) lag: Millis,
    /// The rate in each of the last [`RATES`] seconds.
    pub(super) rates: Vec<usize>,
    /// The turns and events so far, without the records.
    pub(super) history: History,
}

/// A worker at that moment.
#[derive(Clone, Debug)]
pub(super) struct WorkerRow {
    pub(super) worker: WorkerNo,
    pub(super) state: State,
    /// How many leases it holds.
    pub(super) leases: usize,
    /// How many records it processed in the last second.
    pub(super) rate: usize,
    /// Their lag.
    pub(super) lag: Millis,
    /// Whether it is the planner.
    pub(super) plans: bool,
}

/// Whether a worker still runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// The worker runs.
    Works,
    /// The script asked it to leave.
    Left,
    /// The script switched it off.
    Crashed,
}

/// How many seconds of the rate the picture shows.
const RATES: usize = 24;

impl Scene {
    /// The present moment of the ledger.
    pub(in crate::demo) fn of(ledger: &Ledger, acts: &[Act], planner: Option<WorkerNo>) -> Self {
        let now = ledger.now();
        let book = ledger.book();
        let recent = book.last_second(now);
        let row = |(worker, state): (WorkerNo, State)| {
            let own: Vec<_> = recent.iter().filter(|delivery| delivery.worker == worker).collect();
            WorkerRow {
                worker,
                state,
                leases: book.holdings.count(worker),
                rate: own.len(),
                lag: own.iter().map(|delivery| delivery.lag).max().unwrap_or(0),
                plans: planner == Some(worker),
            }
        };
        let workers = states(&book.history).into_iter().map(row).collect();
        let mut lags: Vec<Millis> = recent.iter().map(|delivery| delivery.lag).collect();
        lags.sort_unstable();
        Self {
            now,
            expected: now,
            acts: acts.to_vec(),
            workers,
            produced: book.history.produced.len(),
            processed: book.processed,
            duplicates: book.duplicates(),
            moves: book.moves,
            rate: recent.len(),
            lag: percentile(&lags, 99),
            rates: rates(&book.history.deliveries, now),
            history: History {
                turns: book.history.turns.clone(),
                events: book.history.events.clone(),
                over: now,
                ..History::default()
            },
        }
    }

    /// Sets how long the run is expected to take.
    pub(in crate::demo) fn lasting(self, expected: Millis) -> Self {
        Self { expected, ..self }
    }

    /// The part of the script that is played now.
    pub(super) fn act(&self) -> Option<&Act> {
        self.acts.last()
    }
}

/// The state of each worker, by the last cue that names it.
fn states(history: &History) -> BTreeMap<WorkerNo, State> {
    let mut states = BTreeMap::new();
    for event in &history.events {
        let state = match event.cue {
            Cue::Start(..) | Cue::Join(_) => State::Works,
            Cue::Crash(_) => State::Crashed,
            Cue::Leave(_) => State::Left,
            Cue::Split(_) => continue,
        };
        states.extend(event.cue.workers().iter().map(|worker| (*worker, state)));
    }
    states
}

/// The number of records in each of the last [`RATES`] whole seconds, the newest last.
fn rates(deliveries: &[Delivery], now: Millis) -> Vec<usize> {
    let mut rates = vec![0; RATES];
    for delivery in deliveries.iter().rev() {
        let second = (now / 1_000).checked_sub(delivery.at / 1_000 + 1);
        let Some(second) = second.and_then(|second| usize::try_from(second).ok()) else { continue };
        match rates.iter_mut().nth_back(second) {
            Some(rate) => *rate += 1,
            None => break,
        }
    }
    rates
}
