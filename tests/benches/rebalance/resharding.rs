//! Shards split, with a fleet that reads them and with none.

use std::{collections::BTreeMap, time::Duration};

use anyhow::{Context, Result};
use kcl_core::stream::Shard;
use kcl_tests::fleet::{Signal, oracle::judge};

use crate::{
    lab::{Lab, Setup, pause},
    profile::Profile,
    reads::{settled, times},
    row::Sample,
};

const WORKERS: [&str; 3] = ["a", "b", "c"];

/// Ten shards split: from the response that ended each parent to the first read of each child.
pub(crate) async fn splits(lab: &Lab, profile: Profile, name: &str) -> Result<Vec<Sample>> {
    let mut setup = lab.setup(profile, name, 20).await?;
    setup.fleet.start_all(&WORKERS)?;
    settled(&setup.fleet, &[7, 7, 6]).await?;
    pause(Duration::from_secs(3)).await;
    split(&setup, 10).await?;
    let shards = setup.stream.shards().await?;
    let children: Vec<&Shard> = shards.iter().filter(|shard| !shard.parents.is_empty()).collect();
    let mut spans = Vec::new();
    setup
        .fleet
        .until("each child is read", |history| {
            // Of several, the last end of a parent, and the first read of a child.
            let last: BTreeMap<String, f64> = times(history, "kcl.read.ended")
                .into_iter()
                .map(|((shard, _), at)| (shard, at))
                .collect();
            let first: BTreeMap<String, f64> = times(history, "kcl.read.first")
                .into_iter()
                .rev()
                .map(|((shard, _), at)| (shard, at))
                .collect();
            let span = |child: &&Shard| {
                let parent = last.get(child.parents[0].as_str())?;
                Some((first.get(child.id.as_str())? - parent) / 1e3)
            };
            let all: Option<Vec<f64>> = children.iter().map(span).collect();
            spans = all.unwrap_or_default();
            !spans.is_empty()
        })
        .await?;
    let line = "10 splits: a parent's last response → first read of a child";
    Ok(vec![Sample::new(line, "s", "1", spans)])
}

/// Ten shards split while nobody reads, and three workers start cold.
pub(crate) async fn cold(lab: &Lab, profile: Profile, name: &str) -> Result<Vec<Sample>> {
    let mut setup = lab.setup(profile, name, 10).await?;
    setup.fleet.start_all(&WORKERS)?;
    settled(&setup.fleet, &[4, 3, 3]).await?;
    setup.producer.put(4_000).await?;
    for worker in WORKERS {
        setup.fleet.signal(worker, Signal::TERM)?;
    }
    for worker in WORKERS {
        setup.fleet.gone(worker).await?;
    }
    setup.producer.put(4_000).await?;
    split(&setup, 10).await?;
    setup.producer.put(4_000).await?;
    setup.fleet.start_all(&WORKERS)?;
    settled(&setup.fleet, &[7, 7, 6]).await?;
    setup.fleet.until_delivered(setup.producer.produced.len()).await?;
    let shards = setup.stream.shards().await?;
    let verdict = judge(&setup.fleet.caught_up(), &setup.producer.produced, &shards);
    verdict.check_repeats_of(&[]).context("the oracle")?;
    let line = "records of one key out of order, cold start after 10 splits";
    let out_of_order = verdict.out_of_order as f64;
    Ok(vec![Sample::new(line, "records", "0", vec![out_of_order])])
}

async fn split(setup: &Setup, count: usize) -> Result<()> {
    let shards = setup.stream.shards().await?;
    for shard in shards.iter().filter(|shard| !shard.closed).take(count) {
        setup.stream.split(shard).await?;
    }
    Ok(())
}
