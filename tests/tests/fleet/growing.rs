//! Workers come, and shards split and merge, while records flow.

use std::time::Duration;

use anyhow::Result;

use super::stage::{Servers, Stage, on_each_pair};

on_each_pair!(two_workers_join_three_while_shards_split_and_merge);

async fn two_workers_join_three_while_shards_split_and_merge(servers: Servers) -> Result<()> {
    let mut stage = Stage::new(servers, "grows", 10).await?;
    stage.fleet.start_all(&["a", "b", "c"])?;
    stage.fleet.until_shared(&[4, 3, 3]).await?;
    let load = stage.producer.clone().go_on(20, Duration::from_millis(100));
    stage.fleet.start_all(&["d", "e"])?;
    stage.split(6).await?;
    let shards = stage.stream.shards().await?;
    let open: Vec<_> = shards.iter().filter(|shard| !shard.closed).collect();
    // The two children of the last one that was split.
    let [lower, upper] = &open[open.len() - 2..] else { unreachable!("more than two are open") };
    stage.stream.merge(&lower.id, &upper.id).await?;
    stage.fleet.until_shared(&[3, 3, 3, 3, 3]).await?;
    stage.producer = load.stop().await?;
    stage.until_delivered().await?;
    stage.judge().await?.check_repeats_of(&[])
}
