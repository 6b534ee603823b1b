//! When which shard was first read under which epoch.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use kcl_tests::fleet::{Fleet, History, LogLine, shares};

/// An event of a run: the shard and the epoch.
pub(crate) type Held = (String, u64);

/// When the event of this name came first for each shard and epoch, in milliseconds since 1970.
pub(crate) fn times(history: &History, name: &str) -> BTreeMap<Held, f64> {
    let mut times = BTreeMap::new();
    for line in history.events(name) {
        if let Some(held) = held(line) {
            times.entry(held).or_insert(line.at);
        }
    }
    times
}

fn held(line: &LogLine) -> Option<Held> {
    Some((line.shard()?, line.number("epoch")?))
}

/// Waits until the leases are shared out like this and each is read by its owner; returns when the
/// last of those reads was answered.
pub(crate) async fn settled(fleet: &Fleet, wanted: &[usize]) -> Result<f64> {
    fleet.until_shared(wanted).await?;
    let mut last = None;
    let mut read = Vec::new();
    for lease in fleet.leases().await.into_iter().filter(|lease| lease.owner.is_some()) {
        read.push((lease.key.shard().context("a role")?.to_string(), lease.epoch.0));
    }
    fleet
        .until("each lease is read by its owner", |history| {
            let first = times(history, "kcl.read.first");
            let at: Option<Vec<f64>> = read.iter().map(|held| first.get(held).copied()).collect();
            last = at.and_then(|at| at.into_iter().reduce(f64::max));
            last.is_some()
        })
        .await?;
    last.context("no leases")
}

/// For each shard that one of these was about: the first read after it under a later epoch.
pub(crate) fn successors(history: &History, before: &[Held]) -> BTreeMap<Held, Option<f64>> {
    let first = times(history, "kcl.read.first");
    let next = |(shard, epoch): &Held| {
        let later = first.range((shard.clone(), epoch + 1)..);
        let mut of_shard = later.take_while(|((later, _), _)| later == shard);
        of_shard.next().map(|(_, at)| *at)
    };
    before.iter().map(|held| (held.clone(), next(held))).collect()
}

/// The shards that a worker holds, with their epochs.
pub(crate) async fn held_by(fleet: &Fleet, worker: &str) -> Result<Vec<Held>> {
    let leases = fleet.leases().await;
    anyhow::ensure!(shares(&leases).contains_key(worker), "{worker} holds nothing");
    let mut held = Vec::new();
    for lease in leases {
        if lease.owner.is_some_and(|owner| owner.worker.as_str() == worker) {
            held.push((lease.key.shard().context("a role")?.to_string(), lease.epoch.0));
        }
    }
    Ok(held)
}

/// The planner, or one that is not.
pub(crate) async fn pick(fleet: &Fleet, workers: &[&str], planner: bool) -> Result<String> {
    let plans = fleet.planner().await?;
    let other = workers.iter().find(|worker| **worker != plans).context("nobody else")?;
    Ok(if planner { plans } else { (*other).to_owned() })
}
