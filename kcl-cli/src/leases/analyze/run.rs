//! Joins the facts into spans: who read which shard from when to when, when each worker lived, and
//! which events happened to the fleet.
//!
//! A worker that dies reports no loss of its leases. Its spans end one session timeout before the
//! fact `Died`, or at its last fact, if that is later.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use anyhow::bail;

use super::{
    read::Signs,
    sign::{Sign, What},
};

/// Events that are at most this many microseconds apart count as one: workers that start together,
/// and shards that are split together.
const TOGETHER: u64 = 2_000_000;

/// The run of a fleet. Times are microseconds since 1970.
#[derive(Debug, Default)]
pub(super) struct Run {
    /// The first and the last fact.
    pub(super) from: u64,
    pub(super) to: u64,
    /// The shards, by id.
    pub(super) shards: BTreeMap<String, Life>,
    /// What happened to the fleet, in the order of time.
    pub(super) events: Vec<Event>,
    /// For each worker, the spans during which it lived.
    pub(super) workers: BTreeMap<String, Vec<(u64, u64)>>,
    /// Where the facts come from: `log` or `watch`.
    pub(super) source: &'static str,
    /// How many lines showed no fact.
    pub(super) passed_over: usize,
}

/// The life of a shard during the run.
#[derive(Clone, Debug, Default)]
pub(super) struct Life {
    /// When it appeared. If no fact shows that, when a worker first read it.
    pub(super) from: u64,
    /// When a worker had read it to its end; `None` if none has.
    pub(super) ended: Option<u64>,
    pub(super) parents: Vec<String>,
    /// The spans during which workers read it, in the order of their starts.
    pub(super) tenures: Vec<Tenure>,
}

/// A span during which a worker read a shard.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Tenure {
    pub(super) worker: String,
    pub(super) from: u64,
    pub(super) to: u64,
}

/// Things that happened to the fleet within [`TOGETHER`] of each other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Event {
    /// When the first of them happened.
    pub(super) at: u64,
    /// When the last of them happened.
    pub(super) last: u64,
    /// Their texts, each once, like `join w2`.
    pub(super) what: Vec<String>,
}

/// The state while the facts are read.
struct Reading {
    run: Run,
    /// The present readers of each shard, with the time since when. Two of them are an overlap.
    holds: BTreeMap<String, BTreeMap<String, u64>>,
    /// The workers that live, with the time since when.
    lives: BTreeMap<String, u64>,
    /// The time of the last fact of each worker.
    heard: BTreeMap<String, u64>,
    /// The session timeout in microseconds.
    timeout: u64,
}

impl Run {
    /// The run that these facts show. `timeout` is the session timeout: a worker that died had been
    /// silent for that long when others ended its session.
    ///
    /// # Errors
    /// There are no facts.
    pub(super) fn of(signs: Signs, timeout: Duration) -> anyhow::Result<Self> {
        let (Some(first), Some(last)) = (signs.signs.first(), signs.signs.last()) else {
            bail!("there is nothing to analyze")
        };
        let (from, to, source) = (first.at, last.at, signs.of);
        let timeout = u64::try_from(timeout.as_micros()).unwrap_or(u64::MAX);
        let passed_over = signs.passed_over;
        let mut reading = Reading {
            run: Self { from, to, source, passed_over, ..Self::default() },
            holds: BTreeMap::new(),
            lives: BTreeMap::new(),
            heard: BTreeMap::new(),
            timeout,
        };
        signs.signs.into_iter().for_each(|sign| reading.take(sign));
        Ok(reading.finish())
    }

    /// The workers that live at a time.
    pub(super) fn living(&self, at: u64) -> BTreeSet<&str> {
        let lives =
            |spans: &Vec<(u64, u64)>| spans.iter().any(|(from, to)| *from <= at && at < *to);
        self.workers
            .iter()
            .filter(|(_, spans)| lives(spans))
            .map(|(worker, _)| worker.as_str())
            .collect()
    }

    /// The reader of each shard at a time; of two readers, the one that began later.
    pub(super) fn holders(&self, at: u64) -> BTreeMap<&str, &str> {
        let mut holders = BTreeMap::new();
        for (shard, life) in &self.shards {
            let there = life.tenures.iter().filter(|it| it.from <= at && at < it.to);
            if let Some(tenure) = there.max_by_key(|it| it.from) {
                holders.insert(shard.as_str(), tenure.worker.as_str());
            }
        }
        holders
    }
}

impl Reading {
    /// Adds a sign. Signs come in the order of time.
    fn take(&mut self, Sign { at, what }: Sign) {
        match what {
            What::Looked => {}
            What::Born { shard, parents } => {
                let is_new = at > self.run.from;
                let life = self.life(&shard, at);
                let split = is_new && !parents.is_empty();
                life.parents = parents;
                if split {
                    self.event(at, "reshard".to_owned());
                }
            }
            What::Gained { shard, worker } => {
                self.heard.insert(worker.clone(), at);
                self.life(&shard, at);
                self.lives.entry(worker.clone()).or_insert(at);
                self.holds.entry(shard).or_default().insert(worker, at);
            }
            What::Lost { shard, worker } => {
                self.heard.insert(worker.clone(), at);
                self.close(&shard, &worker, at);
            }
            What::Ended { shard } => {
                let readers = self.holds.remove(&shard).unwrap_or_default();
                for (worker, from) in readers {
                    self.life(&shard, at).tenures.push(Tenure { worker, from, to: at });
                }
                let life = self.life(&shard, at);
                if life.ended.is_none() {
                    life.ended = Some(at);
                    self.event(at, "shard end".to_owned());
                }
            }
            What::Joined { worker } => {
                if self.lives.contains_key(&worker) {
                    self.gone(&worker, at);
                    self.event(at, format!("restart {worker}"));
                } else {
                    self.event(at, format!("join {worker}"));
                }
                self.lives.insert(worker, at);
            }
            What::Leaving { worker } => self.event(at, format!("leave {worker}")),
            What::Gone { worker } => self.gone(&worker, at),
            What::Died { worker } => {
                // A worker is declared dead one session timeout after its last sign of life, so it
                // died that long before `at`, or at its last own fact. If it began after that, it
                // is a new process with the same name, which lives.
                let since = at.saturating_sub(self.timeout).max(self.run.from);
                if self.lives.get(&worker).is_some_and(|from| *from <= since) {
                    let died = self.heard.get(&worker).map_or(since, |heard| since.max(*heard));
                    self.event(died.min(at), format!("death of {worker}"));
                    self.gone(&worker, died.min(at));
                }
            }
        }
    }

    /// The life of a shard, which begins at `at` if the shard is new.
    fn life(&mut self, shard: &str, at: u64) -> &mut Life {
        let fresh = || Life { from: at, ..Life::default() };
        self.run.shards.entry(shard.to_owned()).or_insert_with(fresh)
    }

    /// Ends the span in which a worker holds a shard.
    fn close(&mut self, shard: &str, worker: &str, to: u64) {
        let from = self.holds.get_mut(shard).and_then(|readers| readers.remove(worker));
        if let Some(from) = from {
            let to = to.max(from);
            let worker = worker.to_owned();
            self.life(shard, from).tenures.push(Tenure { worker, from, to });
        }
    }

    /// Ends the life of a worker, and every span in which it reads a shard.
    fn gone(&mut self, worker: &str, at: u64) {
        let held: Vec<String> = self
            .holds
            .iter()
            .filter(|(_, readers)| readers.contains_key(worker))
            .map(|(shard, _)| shard.clone())
            .collect();
        held.iter().for_each(|shard| self.close(shard, worker, at));
        if let Some(from) = self.lives.remove(worker) {
            self.run.workers.entry(worker.to_owned()).or_default().push((from, at.max(from)));
        }
    }

    /// Adds an event.
    fn event(&mut self, at: u64, what: String) {
        self.run.events.push(Event { at, last: at, what: vec![what] });
    }

    /// Ends everything that is open at the end of the run, and joins events that are close
    /// together.
    fn finish(mut self) -> Run {
        let end = self.run.to + 1;
        let open: Vec<(String, String)> = self
            .holds
            .iter()
            .flat_map(|(shard, readers)| readers.keys().map(|it| (shard.clone(), it.clone())))
            .collect();
        open.iter().for_each(|(shard, worker)| self.close(shard, worker, end));
        for (worker, from) in std::mem::take(&mut self.lives) {
            self.run.workers.entry(worker).or_default().push((from, end));
        }
        for life in self.run.shards.values_mut() {
            life.tenures.sort_by_key(|it| (it.from, it.to));
        }
        self.run.events.sort_by_key(|event| event.at);
        let mut events: Vec<Event> = Vec::new();
        for event in std::mem::take(&mut self.run.events) {
            match events.last_mut().filter(|last| event.at - last.last <= TOGETHER) {
                Some(last) => {
                    last.last = event.at;
                    last.what.extend(event.what);
                }
                None => events.push(event),
            }
        }
        for event in &mut events {
            event.what = counted(std::mem::take(&mut event.what));
        }
        self.run.events = events;
        self.run
    }
}

/// Joins equal events: three times `join w2` becomes `join w2 (3)`.
fn counted(what: Vec<String>) -> Vec<String> {
    let mut counts: Vec<(String, usize)> = Vec::new();
    for one in what {
        match counts.iter_mut().find(|(known, _)| *known == one) {
            Some((_, count)) => *count += 1,
            None => counts.push((one, 1)),
        }
    }
    let told = |(what, count): (String, usize)| match count {
        1 => what,
        count => format!("{what} ({count})"),
    };
    counts.into_iter().map(told).collect()
}
