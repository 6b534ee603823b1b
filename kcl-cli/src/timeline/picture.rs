//! The content of a drawing, independent of how it is drawn. Pure.

use kcl_core::lease::WorkerId;

use super::scale::seconds;

/// The shortest and the longest span of a close-up, in microseconds. Between these it is
/// [`CHANGES`] times the time since the last change before the violation.
const CLOSE_UP: (u64, u64) = (500_000, 20_000_000);
const CHANGES: u64 = 8;
/// The most rows of a close-up if the violation names no shard.
const CLOSE_UP_ROWS: usize = 12;

/// A run, ready to be drawn. Times are microseconds since its start.
#[derive(Clone, Debug, Default)]
pub(crate) struct Picture {
    /// The span of the run that is shown.
    pub(crate) from: u64,
    pub(crate) to: u64,
    /// The workers that ever held or read a shard. Bars refer to them by index.
    pub(crate) workers: Vec<WorkerId>,
    /// The shards that had a lease, in the order in which they were opened.
    pub(crate) rows: Vec<Row>,
    /// The faults and other events of the fleet.
    pub(crate) faults: Vec<Fault>,
    /// When an invariant broke; `None` if none did.
    pub(crate) broken: Option<u64>,
}

/// The row of one shard.
#[derive(Clone, Debug, Default)]
pub(crate) struct Row {
    /// Its short name, with a `'` for each former life of the stream.
    pub(crate) name: String,
    /// The indices of its parents in [`Picture::rows`].
    pub(crate) parents: Vec<usize>,
    /// When its lease was made, and when the lease ended or the run did.
    pub(crate) from: u64,
    pub(crate) to: u64,
    /// The spans during which workers held its lease.
    pub(crate) held: Vec<Bar>,
    /// The spans during which workers read it.
    pub(crate) run: Vec<Bar>,
    /// The spans during which two workers read it: the earlier reader, and the later one.
    pub(crate) overlaps: Vec<(Bar, Bar)>,
    /// Whether the violation names the shard.
    pub(crate) guilty: bool,
}

/// A span of one worker. `worker` is its index in [`Picture::workers`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Bar {
    pub(crate) worker: usize,
    pub(crate) from: u64,
    pub(crate) to: u64,
}

/// A fault or another event. `from` and `to` are equal for a single moment.
#[derive(Clone, Debug)]
pub(crate) struct Fault {
    pub(crate) from: u64,
    pub(crate) to: u64,
    pub(crate) what: String,
}

/// The state of a shard at a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    /// It had no lease, or its lease had ended.
    Absent,
    /// Nobody held it and nobody read it.
    Free,
    /// This worker held it and did not read it.
    Held(usize),
    /// This worker held and read it.
    Run(usize),
    /// This worker read it without holding it.
    Stray(usize),
    /// Two workers read it.
    Two,
}

impl Picture {
    /// The end of a run that broke an invariant, with the shards that the violation names. `None`
    /// if no invariant broke, if the close-up would show most of the picture, or if nothing changed
    /// in the last 20 seconds before the violation.
    pub(crate) fn close_up(&self) -> Option<Self> {
        let broken = self.broken?;
        let named = self.rows.iter().any(|row| row.guilty);
        let about = self.rows.iter().filter(|row| row.guilty || !named);
        let changes = about.flat_map(Row::changes).filter(|at| *at < broken);
        let since = broken - changes.max().unwrap_or(self.from);
        if since >= CLOSE_UP.1 {
            return None;
        }
        let span = since.saturating_mul(CHANGES).clamp(CLOSE_UP.0, CLOSE_UP.1);
        let from = broken.saturating_sub(span);
        if from.saturating_sub(self.from) < span {
            return None;
        }
        let is_there = |row: &Row| row.from <= broken && row.to > from;
        let wanted = self.rows.iter().filter(|row| row.guilty || !named && is_there(row));
        let faults = self.faults.iter().filter(|fault| fault.to >= from);
        let mut close_up = Self {
            from,
            to: broken,
            workers: self.workers.clone(),
            // The indices of parents are not valid in a close-up.
            rows: wanted.take(CLOSE_UP_ROWS).cloned().map(Row::without_parents).collect(),
            faults: faults.cloned().collect(),
            broken: Some(broken),
        };
        close_up.leave_room();
        Some(close_up)
    }

    /// The faults in the order in which they get their lanes. If an invariant broke, the last
    /// faults matter most.
    pub(crate) fn faults_by_weight(&self) -> Vec<&Fault> {
        let mut faults: Vec<&Fault> = self.faults.iter().collect();
        if self.broken.is_some() {
            faults.reverse();
        }
        faults
    }

    /// The caption of a close-up.
    pub(crate) fn caption(&self) -> String {
        let span = self.broken.unwrap_or(self.to).saturating_sub(self.from);
        let guilty = self.rows.iter().any(|row| row.guilty);
        let what = if guilty { ", and what the violation names" } else { "" };
        format!("The last {}{what}", seconds(span))
    }

    /// The workers that held or read a shard in the span that is shown, with their indices.
    pub(crate) fn seen(&self) -> impl Iterator<Item = (usize, &WorkerId)> {
        let is_seen = |worker: usize, bar: &Bar| {
            bar.worker == worker && bar.from < self.to && bar.to > self.from
        };
        self.workers.iter().enumerate().filter(move |(at, _)| {
            let mut bars = self.rows.iter().flat_map(|row| row.held.iter().chain(&row.run));
            bars.any(|bar| is_seen(*at, bar))
        })
    }

    /// Extends the span a little, so that the moment of the violation, which is the last one, does
    /// not stand at the edge.
    pub(crate) fn leave_room(&mut self) {
        if self.broken.is_some() {
            self.to += (self.to - self.from) / 40;
        }
    }
}

impl Row {
    /// The state of the shard in a span: [`State::Two`] if it had two readers at any moment, else
    /// the state in the middle of the span.
    pub(crate) fn over(&self, (from, to): (u64, u64)) -> State {
        if self.overlaps.iter().any(|(both, _)| both.from < to && from < both.to) {
            return State::Two;
        }
        // A life that is shorter than the span must be visible, too.
        let (from, to) = match (from.max(self.from), to.min(self.to)) {
            (first, last) if first < last => (first, last),
            _ => (from, to),
        };
        self.at(from.midpoint(to))
    }

    /// The state of the shard at a moment.
    pub(crate) fn at(&self, moment: u64) -> State {
        let at = |bars: &[Bar]| {
            bars.iter()
                .rev()
                .find(|bar| bar.from <= moment && moment < bar.to)
                .map(|bar| bar.worker)
        };
        match (at(&self.held), at(&self.run)) {
            (Some(holder), Some(reader)) if holder == reader => State::Run(holder),
            (_, Some(reader)) => State::Stray(reader),
            (Some(holder), None) => State::Held(holder),
            (None, None) if self.from <= moment && moment < self.to => State::Free,
            (None, None) => State::Absent,
        }
    }

    /// The moments at which its lease or its readers changed.
    fn changes(&self) -> impl Iterator<Item = u64> {
        let bars = self.held.iter().chain(&self.run);
        bars.flat_map(|bar| [bar.from, bar.to]).chain([self.from, self.to])
    }

    /// Computes `overlaps` from `run`.
    pub(crate) fn find_overlaps(&mut self) {
        for (at, one) in self.run.iter().enumerate() {
            for two in self.run.iter().skip(at + 1).filter(|two| two.worker != one.worker) {
                let (from, to) = (one.from.max(two.from), one.to.min(two.to));
                if from < to {
                    self.overlaps.push((Bar { from, to, ..*one }, Bar { from, to, ..*two }));
                }
            }
        }
    }

    /// The row for a close-up, where the indices of its parents are not valid.
    fn without_parents(mut self) -> Self {
        self.parents.clear();
        self
    }
}

/// `shardId-000000000007` as `7`.
pub(crate) fn short(name: &str) -> String {
    let number = name.strip_prefix("shardId-").map(|digits| digits.trim_start_matches('0'));
    match number {
        Some("") => "0".into(),
        Some(number) => number.into(),
        None => name.into(),
    }
}
