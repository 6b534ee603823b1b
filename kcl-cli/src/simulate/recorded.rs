//! Makes the picture of a run from the simulator's report.

use std::collections::BTreeMap;

use kcl_core::stream::ShardId;
use kcl_memory::sim::{Happened, Report, Timeline, Violation};

use crate::timeline::{Bar, Fault, Picture, Row, short};

/// The picture of a run. `violation` marks the shards that it names.
pub(super) fn picture(report: &Report, violation: Option<&Violation>) -> Picture {
    let Some(timeline) = &report.timeline else { return Picture::default() };
    let over = timeline.over.as_micros();
    let mut picture = Picture {
        to: over,
        faults: timeline.faults.iter().map(fault).collect(),
        broken: violation.map(|broken| broken.at.as_micros()),
        ..Picture::default()
    };
    add_rows(&mut picture, timeline, violation);
    picture.leave_room();
    picture
}

/// Adds the workers, and a row for each shard with its bars.
fn add_rows(picture: &mut Picture, timeline: &Timeline, violation: Option<&Violation>) {
    let mut places: BTreeMap<usize, usize> = BTreeMap::new();
    let mut names: BTreeMap<&ShardId, (usize, usize)> = BTreeMap::new();
    for (shard, life) in &timeline.shards {
        let place = picture.rows.len();
        places.insert(*shard, place);
        let parents = life.parents.iter().filter_map(|parent| names.get(parent));
        let parents = parents.map(|(at, _)| *at).collect();
        let mut row = Row {
            parents,
            from: life.from.as_micros(),
            to: life.ended.unwrap_or(timeline.over).as_micros(),
            ..Row::default()
        };
        if let Some(name) = &life.name {
            let lives = names.get(name).map_or(0, |(_, lives)| lives + 1);
            names.insert(name, (place, lives));
            row.name = format!("{}{}", short(name.as_str()), "'".repeat(lives));
        }
        picture.rows.push(row);
    }
    // A name may belong to shards of several lives of the stream: the last one is meant.
    for (name, (place, _)) in names {
        picture.rows[place].guilty =
            violation.is_some_and(|broken| broken.what.contains(name.as_str()));
    }
    let both = timeline.held.iter().map(|span| (span, true));
    let mut spans: Vec<_> = both.chain(timeline.run.iter().map(|span| (span, false))).collect();
    spans.sort_by_key(|(span, _)| span.from);
    picture.workers = spans.iter().map(|(span, _)| span.worker.clone()).collect();
    picture.workers.sort_by_key(|id| (id.as_str().len(), id.clone()));
    picture.workers.dedup();
    for (span, is_held) in spans {
        let worker = picture.workers.iter().position(|known| *known == span.worker);
        let worker = worker.unwrap_or(picture.workers.len());
        let Some(row) = places.get(&span.shard).and_then(|at| picture.rows.get_mut(*at)) else {
            continue;
        };
        let bar = Bar { worker, from: span.from.as_micros(), to: span.to.as_micros() };
        if is_held { row.held.push(bar) } else { row.run.push(bar) }
    }
    picture.rows.iter_mut().for_each(Row::find_overlaps);
}

/// A fault with a short label: its kind, the worker, and how long it lasts.
fn fault(happened: &Happened) -> Fault {
    let ends = happened.at + happened.lasts;
    let what = match (&happened.whom, happened.what.split_whitespace().next()) {
        (Some(whom), Some(kind)) if happened.lasts.is_zero() => format!("{kind} {whom}"),
        (Some(whom), Some(kind)) => format!("{kind} {whom} {:?}", happened.lasts),
        _ => happened.what.clone(),
    };
    Fault { from: happened.at.as_micros(), to: ends.as_micros(), what }
}
