//! Makes the timeline of a run: what `crate::timeline` draws.

use super::run::Run;
use crate::timeline::{Bar, Fault, Picture, Row, short};

/// A row for each shard, a bar for each time a worker read it, a flag for each event.
pub(super) fn picture(run: &Run) -> Picture {
    let since = |at: u64| at.saturating_sub(run.from);
    let mut names: Vec<&String> = run.shards.keys().collect();
    names.sort_by_key(|name| (run.shards[*name].from, (*name).clone()));
    let place = |shard: &String| names.iter().position(|name| *name == shard);
    let tenures = run.shards.values().flat_map(|life| &life.tenures);
    let mut workers: Vec<_> = tenures.filter_map(|it| it.worker.parse().ok()).collect();
    workers.sort_by_key(|id: &kcl_core::lease::WorkerId| (id.as_str().len(), id.clone()));
    workers.dedup();
    let rows = names.iter().map(|name| {
        let life = &run.shards[*name];
        let bars = life.tenures.iter().filter_map(|it| {
            let worker = workers.iter().position(|worker| worker.as_str() == it.worker)?;
            Some(Bar { worker, from: since(it.from), to: since(it.to) })
        });
        let held: Vec<Bar> = bars.collect();
        let mut row = Row {
            name: short(name),
            parents: life.parents.iter().filter_map(place).collect(),
            from: since(life.from),
            to: since(life.ended.unwrap_or(run.to)),
            run: held.clone(),
            held,
            ..Row::default()
        };
        row.find_overlaps();
        row
    });
    let fault = |event: &super::run::Event| Fault {
        from: since(event.at),
        to: since(event.last),
        what: event.what.join(", "),
    };
    Picture {
        from: 0,
        to: since(run.to).max(1),
        rows: rows.collect(),
        faults: run.events.iter().map(fault).collect(),
        workers: workers.clone(),
        broken: None,
    }
}
