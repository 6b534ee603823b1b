//! Judges how fast, and with how many moves, the fleet came to balance after each cue. It replays
//! the turns and cues of the history in [`Holdings`].

use std::collections::BTreeMap;

use kcl_core::stream::ShardId;
use serde::Serialize;

use crate::demo::{
    facts::{Cue, Event, History, Millis, WorkerNo},
    holdings::Holdings,
};

/// What followed a cue, until the next one. `serde` writes it into the verdict.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(in crate::demo) struct EventReport {
    /// The cue: start, split, join, crash or leave.
    pub(in crate::demo) event: &'static str,
    /// The workers that start, join or go.
    pub(in crate::demo) workers: Vec<String>,
    /// When the script gave the cue, since the start of the run.
    pub(in crate::demo) at_ms: Millis,
    /// How long after the cue the fleet came to balance ([`Holdings::is_even`]) and stayed so.
    /// `None` if it did not.
    pub(in crate::demo) balanced_after_ms: Option<Millis>,
    /// Leases that went from one worker that stays to another.
    pub(in crate::demo) moves: usize,
    /// The fewest such moves that an even spread needs.
    pub(in crate::demo) optimum: usize,
    /// How many shards were split. They end one after another, and each end may cost a move.
    #[serde(skip)]
    pub(in crate::demo) splits: usize,
    /// Deliveries of records that had been processed before.
    pub(in crate::demo) duplicates: usize,
    /// After a crash or leave: how long it took until other workers had read each of the worker's
    /// shards, as far as they did. `None` after other cues.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::demo) read_again_after_ms: Option<Millis>,
    /// After a crash or leave: how many of the worker's shards nobody read before the next cue.
    #[serde(skip_serializing_if = "is_zero")]
    pub(in crate::demo) unread: usize,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands a reference")]
fn is_zero(count: &usize) -> bool {
    *count == 0
}

impl EventReport {
    /// One sentence for each problem.
    pub(super) fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        if self.balanced_after_ms.is_none() {
            problems.push(format!("the fleet was not balanced after the {}", self.event));
        }
        if self.moves > self.optimum + self.splits {
            let (moves, optimum, event) = (self.moves, self.optimum, self.event);
            problems.push(format!("{moves} leases moved after the {event}, {optimum} had to"));
        }
        if self.unread > 0 {
            let (unread, event) = (self.unread, self.event);
            problems.push(format!("{unread} shards were not read again after the {event}"));
        }
        problems
    }
}

/// The report of each cue, in order.
pub(super) fn judge(history: &History) -> Vec<EventReport> {
    let mut holdings = Holdings::default();
    let mut turns = history.turns.iter().peekable();
    let mut reports = Vec::new();
    for (number, event) in history.events.iter().enumerate() {
        let until = history.events.get(number + 1).map_or(history.over + 1, |next| next.at);
        while let Some(turn) = turns.next_if(|turn| turn.at < event.at) {
            // Turns before the first cue: no worker runs, so there should be none.
            holdings.turn(turn);
        }
        let optimum = holdings.optimum(&event.cue);
        let orphans = orphans(&holdings, &event.cue);
        holdings.cue(&event.cue);
        let mut balanced = holdings.is_even().then_some(event.at);
        let mut moves = 0;
        while let Some(turn) = turns.next_if(|turn| turn.at < until) {
            moves += usize::from(holdings.turn(turn));
            balanced = if holdings.is_even() { balanced.or(Some(turn.at)) } else { None };
        }
        let read = read_again(history, event, &orphans, until);
        reports.push(EventReport {
            event: event.cue.name(),
            workers: event.cue.workers().iter().map(ToString::to_string).collect(),
            at_ms: event.at,
            balanced_after_ms: balanced.map(|at| at.saturating_sub(event.at)),
            moves,
            optimum,
            splits: if let Cue::Split(splits) = &event.cue { splits.len() } else { 0 },
            duplicates: duplicates(history, event.at, until),
            read_again_after_ms: read.values().flatten().max().map(|at| at - event.at),
            unread: read.values().filter(|at| at.is_none()).count(),
        });
    }
    reports
}

/// The shards of the worker that crashes or leaves, each with that worker.
fn orphans(holdings: &Holdings, cue: &Cue) -> Vec<(ShardId, WorkerNo)> {
    let (Cue::Crash(worker) | Cue::Leave(worker)) = cue else { return Vec::new() };
    holdings.shards_of(*worker).map(|shard| (shard.clone(), *worker)).collect()
}

/// When another worker first read each orphan, between the cue and `until`; `None` if nobody did.
fn read_again<'a>(
    history: &History,
    event: &Event,
    orphans: &'a [(ShardId, WorkerNo)],
    until: Millis,
) -> BTreeMap<&'a ShardId, Option<Millis>> {
    let first_by_another = |(shard, gone): &(ShardId, WorkerNo)| {
        let mut by_others = history.deliveries.iter().filter(|delivery| {
            let now = event.at <= delivery.at && delivery.at < until;
            now && delivery.shard == *shard && delivery.worker != *gone
        });
        by_others.next().map(|delivery| delivery.at)
    };
    orphans.iter().map(|orphan| (&orphan.0, first_by_another(orphan))).collect()
}

fn duplicates(history: &History, from: Millis, until: Millis) -> usize {
    let mut seen = std::collections::BTreeSet::new();
    let again = history.deliveries.iter().filter(|delivery| {
        let again = !seen.insert(delivery.id);
        again && from <= delivery.at && delivery.at < until
    });
    again.count()
}
