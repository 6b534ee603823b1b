//! Computes how long the fleet took after each event, how many leases moved, and for how long each
//! shard went unread. Pure.
//!
//! Everything up to the next event counts as the answer to an event. A fleet has *converged* when
//! the last lease has changed hands and every runnable shard is read. A lease has *moved* if it
//! went from one worker to another although the first one stayed. The *optimum* is the fewest moves
//! after which no two workers differ by more than one lease: the bound of docs/PROTOCOL.md §5.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::run::{Event, Life, Run};

/// The figures of a run, as `--format json` writes them.
#[derive(Debug, Serialize)]
pub(super) struct Findings {
    /// Where the facts come from: `log` or `watch`.
    pub(super) source: &'static str,
    /// The start of the run, as RFC 3339.
    pub(super) from: String,
    /// The length of the run.
    pub(super) lasts_ms: u64,
    /// How many lines showed no fact.
    pub(super) passed_over: usize,
    /// The events, in the order of time.
    pub(super) events: Vec<Answer>,
    /// The shards; the one that went unread for the longest time is first.
    pub(super) shards: Vec<Unread>,
    /// How many times a worker began to read a shard that another one still read. Clocks that
    /// differ between machines can make such times appear.
    pub(super) overlaps: usize,
}

/// An event, and what the fleet did until the next one.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(super) struct Answer {
    /// When it happened, since the start of the run.
    pub(super) at_ms: u64,
    /// The event, like `join w2`.
    pub(super) what: String,
    /// How long after the event the last lease changed hands; `None` if a runnable shard had no
    /// reader even then.
    pub(super) converged_ms: Option<u64>,
    /// Leases that went from one worker that stayed to another.
    pub(super) moves: usize,
    /// The fewest such moves that an even spread needs.
    pub(super) optimum: usize,
    /// Leases that a worker took and that no staying worker had held: new ones, and those of
    /// workers that went.
    pub(super) taken: usize,
    /// The longest time for which a shard went unread.
    pub(super) unread_ms: u64,
    /// The number of leases of each worker at the next event.
    pub(super) leases: BTreeMap<String, usize>,
}

/// For how long a shard went unread.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(super) struct Unread {
    pub(super) shard: String,
    /// How many times a worker took it.
    pub(super) readers: usize,
    /// The longest time without a reader.
    pub(super) longest_ms: u64,
    /// All times without a reader together.
    pub(super) total_ms: u64,
    /// Whether a worker read it at the end of the run, or had read it to its end.
    pub(super) read: bool,
}

impl Findings {
    /// Measures a run.
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
    /// The fleet's answer to an event, until the next event at `end`.
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

/// The fewest moves that make the shares even. Each staying worker begins with the leases that it
/// held before the event; the workers that held most get the larger shares.
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

/// Whether a parent of the shard has not ended at this time.
fn waits(life: &Life, at: u64, run: &Run) -> bool {
    let mut parents = life.parents.iter().filter_map(|parent| run.shards.get(parent));
    parents.any(|parent| parent.ended.is_none_or(|ended| ended >= at))
}

/// The spans during which no worker read a shard although all its parents had ended.
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

/// How many times a worker began to read this shard while another worker still read it.
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
