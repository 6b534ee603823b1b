//! How long it took after each event, how many leases moved, and for how long each shard went
//! unread. Pure.
//!
//! What happens up to the next event counts as the answer to one. A fleet has converged when the
//! last lease changed hands and every shard that is there is read. Leases that moved are those that
//! went from one worker to another although the first stayed; the optimum is how many have to, so
//! that no two workers differ by more than one: the bound of docs/PROTOCOL.md §5.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::run::{Event, Life, Run};

/// What was found.
#[derive(Debug, Serialize)]
pub(super) struct Findings {
    /// What it was read from: `log` or `watch`.
    pub(super) source: &'static str,
    /// When it begins, and how long it lasts.
    pub(super) from: String,
    pub(super) lasts_ms: u64,
    /// Lines that say nothing of leases.
    pub(super) passed_over: usize,
    pub(super) events: Vec<Answer>,
    pub(super) shards: Vec<Unread>,
    /// Times at which two workers read one shard: as far as the machines' clocks agree.
    pub(super) overlaps: usize,
}

/// An event, and what the fleet made of it. Times are since the beginning.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(super) struct Answer {
    pub(super) at_ms: u64,
    pub(super) what: String,
    /// How long after it the last lease changed hands; nothing if a shard was then left unread.
    pub(super) converged_ms: Option<u64>,
    /// Leases that went from one worker that stayed to another.
    pub(super) moves: usize,
    /// How many had to.
    pub(super) optimum: usize,
    /// Leases that somebody took whom nobody that stayed had: of workers that went, and new ones.
    pub(super) taken: usize,
    /// For how long a shard went unread at most.
    pub(super) unread_ms: u64,
    /// How many leases each worker had in the end.
    pub(super) leases: BTreeMap<String, usize>,
}

/// For how long a shard went unread.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(super) struct Unread {
    pub(super) shard: String,
    /// How many times a worker took it.
    pub(super) readers: usize,
    pub(super) longest_ms: u64,
    pub(super) total_ms: u64,
    /// Whether somebody reads it in the end, or it was read to its end.
    pub(super) read: bool,
}

impl Findings {
    pub(super) fn of(run: &Run) -> Self {
        let ends = run.events.iter().skip(1).map(|event| event.at).chain([run.to + 1]);
        let events = run.events.iter().zip(ends);
        let mut shards: Vec<Unread> =
            run.shards.iter().map(|(shard, life)| Unread::of(shard, life, run)).collect();
        shards.sort_by(|a, b| (b.longest_ms, &a.shard).cmp(&(a.longest_ms, &b.shard)));
        Self {
            source: run.source,
            from: jiff::Timestamp::from_microsecond(i64::try_from(run.from).unwrap_or(0))
                .map(|at| at.to_string())
                .unwrap_or_default(),
            lasts_ms: millis(run.to - run.from),
            passed_over: run.passed_over,
            events: events.map(|(event, end)| Answer::to(event, end, run)).collect(),
            shards,
            overlaps: run.shards.values().map(overlaps).sum(),
        }
    }
}

impl Answer {
    fn to(event: &Event, end: u64, run: &Run) -> Self {
        let before = run.holders(event.at.saturating_sub(1));
        let after = run.holders(end - 1);
        let staying = run.living(end - 1);
        let stayed: BTreeMap<&str, &str> =
            before.into_iter().filter(|(_, worker)| staying.contains(worker)).collect();
        let (mut moves, mut taken, mut last) = (0, 0, event.at);
        for (shard, life) in &run.shards {
            let gained = life.tenures.iter().filter(|it| it.from >= event.at && it.from < end);
            let Some(latest) = gained.map(|it| it.from).max() else { continue };
            last = last.max(latest);
            let Some(worker) = after.get(shard.as_str()) else { continue };
            match stayed.get(shard.as_str()) {
                Some(former) if former != worker => moves += 1,
                Some(_) => {}
                None => taken += 1,
            }
        }
        let is_open = |life: &&Life| life.from < end && life.ended.is_none_or(|at| at >= end);
        let open: Vec<(&String, &Life)> =
            run.shards.iter().filter(|(_, life)| is_open(life)).collect();
        let all_read = open
            .iter()
            .all(|(shard, life)| after.contains_key(shard.as_str()) || waits(life, end, run));
        let mut leases: BTreeMap<String, usize> =
            staying.iter().map(|worker| ((*worker).to_owned(), 0)).collect();
        for worker in after.values() {
            *leases.entry((*worker).to_owned()).or_default() += 1;
        }
        let unread = run.shards.values().flat_map(|life| gaps(life, run));
        let unread = unread.filter(|(from, to)| *to > event.at && *from < end);
        let unread = unread.map(|(from, to)| to.min(end) - from.max(event.at)).max();
        Self {
            at_ms: millis(event.at - run.from),
            what: event.what.join(", "),
            converged_ms: all_read.then(|| millis(last - event.at)),
            moves,
            optimum: optimum(&stayed, &staying, after.len()),
            taken,
            unread_ms: millis(unread.unwrap_or(0)),
            leases,
        }
    }
}

/// The fewest moves that make the shares of these workers even, where each that stays holds what it
/// held: the fullest get the higher shares.
fn optimum(stayed: &BTreeMap<&str, &str>, staying: &BTreeSet<&str>, leases: usize) -> usize {
    if staying.is_empty() {
        return 0;
    }
    let mut held: BTreeMap<&str, usize> = staying.iter().map(|worker| (*worker, 0)).collect();
    for worker in stayed.values() {
        *held.entry(worker).or_default() += 1;
    }
    let mut held: Vec<usize> = held.into_values().collect();
    held.sort_unstable_by(|a, b| b.cmp(a));
    let (share, spare) = (leases / held.len(), leases % held.len());
    let above =
        |(rank, held): (usize, usize)| held.saturating_sub(share + usize::from(rank < spare));
    held.into_iter().enumerate().map(above).sum()
}

/// Whether a shard waits for one that it comes from.
fn waits(life: &Life, at: u64, run: &Run) -> bool {
    let mut parents = life.parents.iter().filter_map(|parent| run.shards.get(parent));
    parents.any(|parent| parent.ended.is_none_or(|ended| ended >= at))
}

/// When nobody read a shard although it was there to be read.
fn gaps(life: &Life, run: &Run) -> Vec<(u64, u64)> {
    let parents = life.parents.iter().filter_map(|parent| run.shards.get(parent));
    let ended: Vec<Option<u64>> = parents.map(|parent| parent.ended).collect();
    let readable = ended.iter().copied().try_fold(life.from, |at, end| Some(at.max(end?)));
    let Some(mut read) = readable else { return Vec::new() };
    let over = life.ended.unwrap_or(run.to + 1);
    let mut gaps = Vec::new();
    for tenure in &life.tenures {
        if tenure.from > read {
            gaps.push((read, tenure.from));
        }
        read = read.max(tenure.to);
    }
    if read < over {
        gaps.push((read, over));
    }
    gaps
}

/// How often somebody began to read a shard that another one still read.
fn overlaps(life: &Life) -> usize {
    let pairs = life.tenures.windows(2);
    pairs.filter(|pair| pair[0].to > pair[1].from && pair[0].worker != pair[1].worker).count()
}

impl Unread {
    fn of(shard: &str, life: &Life, run: &Run) -> Self {
        let spans: Vec<u64> = gaps(life, run).into_iter().map(|(from, to)| to - from).collect();
        let last = life.tenures.iter().map(|it| it.to).max();
        Self {
            shard: shard.to_owned(),
            readers: life.tenures.len(),
            longest_ms: millis(spans.iter().copied().max().unwrap_or(0)),
            total_ms: millis(spans.iter().sum()),
            read: life.ended.is_some() || last.is_some_and(|last| last > run.to),
        }
    }
}

const fn millis(micros: u64) -> u64 {
    micros / 1_000
}
