//! The present, as it is to be shown.

use std::collections::BTreeMap;

use crate::demo::{
    facts::{Cue, Delivery, History, Millis, WorkerNo},
    ledger::Ledger,
    verdict::percentile,
};

/// A part of the script that has begun.
#[derive(Clone, Debug)]
pub(in crate::demo) struct Act {
    /// In a word.
    pub(in crate::demo) name: &'static str,
    /// In a sentence.
    pub(in crate::demo) headline: String,
    /// How long it took until the fleet was in balance, if it is.
    pub(in crate::demo) took: Option<Millis>,
}

/// The present.
#[derive(Clone, Debug)]
pub(in crate::demo) struct Scene {
    pub(super) now: Millis,
    /// How long the run will have taken, about.
    pub(super) expected: Millis,
    pub(super) acts: Vec<Act>,
    pub(super) workers: Vec<WorkerRow>,
    pub(super) produced: usize,
    pub(super) processed: usize,
    pub(super) duplicates: usize,
    pub(super) moves: usize,
    /// Records processed for the first time in the last second.
    pub(super) rate: usize,
    /// How old they were: 99 of 100 were not older.
    pub(super) lag: Millis,
    /// Records processed in each of the last seconds.
    pub(super) rates: Vec<usize>,
    /// What happened so far, without the records.
    pub(super) history: History,
}

/// A worker, now.
#[derive(Clone, Debug)]
pub(super) struct WorkerRow {
    pub(super) worker: WorkerNo,
    pub(super) state: State,
    pub(super) leases: usize,
    pub(super) rate: usize,
    pub(super) lag: Millis,
    pub(super) plans: bool,
}

/// What became of a worker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    Works,
    Left,
    Crashed,
}

/// How many seconds of the rate are kept in view.
const RATES: usize = 24;

impl Scene {
    /// The present, as the book has it.
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

    /// The same in a run that is expected to take that long.
    pub(in crate::demo) fn lasting(self, expected: Millis) -> Self {
        Self { expected, ..self }
    }

    /// What is being played.
    pub(super) fn act(&self) -> Option<&Act> {
        self.acts.last()
    }
}

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

/// Records in each of the last whole seconds, the newest last.
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
