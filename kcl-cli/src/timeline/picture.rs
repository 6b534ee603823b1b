//! What is drawn of a run, whatever it is drawn with. Pure.

use kcl_core::lease::WorkerId;

use super::scale::seconds;

/// A close-up shows so much of the end of a run at least and at most, in microseconds, and in
/// between so many times the time since anything last changed there.
const CLOSE_UP: (u64, u64) = (500_000, 20_000_000);
const CHANGES: u64 = 8;
/// Rows of a close-up where the violation names no shard, at most.
const CLOSE_UP_ROWS: usize = 12;

/// A run, ready to be drawn. Times are microseconds.
#[derive(Clone, Debug, Default)]
pub(crate) struct Picture {
    /// What is shown of the run.
    pub(crate) from: u64,
    pub(crate) to: u64,
    /// Who ever held or read anything, in the order of their numbers.
    pub(crate) workers: Vec<WorkerId>,
    /// The shards that had a lease, in the order in which they were opened.
    pub(crate) rows: Vec<Row>,
    /// What was done to the fleet.
    pub(crate) faults: Vec<Fault>,
    /// When an invariant broke.
    pub(crate) broken: Option<u64>,
}

/// One shard.
#[derive(Clone, Debug, Default)]
pub(crate) struct Row {
    /// Its name, shortened; a stroke more for each time that the stream was made again.
    pub(crate) name: String,
    /// Where the shards it came from stand in [`Picture::rows`].
    pub(crate) parents: Vec<usize>,
    /// When it got a lease, and until when it had one that had not ended.
    pub(crate) from: u64,
    pub(crate) to: u64,
    /// Who held its lease.
    pub(crate) held: Vec<Bar>,
    /// Who read it.
    pub(crate) run: Vec<Bar>,
    /// When two workers read it at once: the one that had read it before, and the other.
    pub(crate) overlaps: Vec<(Bar, Bar)>,
    /// Whether the violation names it.
    pub(crate) guilty: bool,
}

/// A stretch of time of one worker, by its place in [`Picture::workers`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Bar {
    pub(crate) worker: usize,
    pub(crate) from: u64,
    pub(crate) to: u64,
}

/// Something done to the fleet.
#[derive(Clone, Debug)]
pub(crate) struct Fault {
    pub(crate) from: u64,
    pub(crate) to: u64,
    pub(crate) what: String,
}

/// What a shard was like at a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    /// It had no lease, or had ended.
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
    /// The end of a run that broke an invariant, with the shards that it is about; `None` if that
    /// is what is shown anyway, or nothing happened there for long.
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
            // Where parents stand is another matter here.
            rows: wanted.take(CLOSE_UP_ROWS).cloned().map(Row::without_parents).collect(),
            faults: faults.cloned().collect(),
            broken: Some(broken),
        };
        close_up.leave_room();
        Some(close_up)
    }

    /// The faults as they get their places: what came last matters most if something broke.
    pub(crate) fn faults_by_weight(&self) -> Vec<&Fault> {
        let mut faults: Vec<&Fault> = self.faults.iter().collect();
        if self.broken.is_some() {
            faults.reverse();
        }
        faults
    }

    /// What a close-up shows, in words.
    pub(crate) fn caption(&self) -> String {
        let span = self.broken.unwrap_or(self.to).saturating_sub(self.from);
        let guilty = self.rows.iter().any(|row| row.guilty);
        let what = if guilty { ", and what the violation names" } else { "" };
        format!("The last {}{what}", seconds(span))
    }

    /// The workers that held or read anything in what is shown.
    pub(crate) fn seen(&self) -> impl Iterator<Item = (usize, &WorkerId)> {
        let is_seen = |worker: usize, bar: &Bar| {
            bar.worker == worker && bar.from < self.to && bar.to > self.from
        };
        self.workers.iter().enumerate().filter(move |(at, _)| {
            let mut bars = self.rows.iter().flat_map(|row| row.held.iter().chain(&row.run));
            bars.any(|bar| is_seen(*at, bar))
        })
    }

    /// The moment at which it broke is the last: it needs a place beside what came before.
    pub(crate) fn leave_room(&mut self) {
        if self.broken.is_some() {
            self.to += (self.to - self.from) / 40;
        }
    }
}

impl Row {
    /// What the shard was like in a stretch of time: two readers if there were two at any moment,
    /// else as in its middle.
    pub(crate) fn over(&self, (from, to): (u64, u64)) -> State {
        if self.overlaps.iter().any(|(both, _)| both.from < to && from < both.to) {
            return State::Two;
        }
        // A short life is seen, too.
        let (from, to) = match (from.max(self.from), to.min(self.to)) {
            (first, last) if first < last => (first, last),
            _ => (from, to),
        };
        self.at(from.midpoint(to))
    }

    /// What the shard was like at a moment.
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

    /// When its lease or its readers changed.
    fn changes(&self) -> impl Iterator<Item = u64> {
        let bars = self.held.iter().chain(&self.run);
        bars.flat_map(|bar| [bar.from, bar.to]).chain([self.from, self.to])
    }

    /// When two workers read it at once.
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
