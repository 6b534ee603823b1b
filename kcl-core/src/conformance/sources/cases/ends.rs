//! The end of a shard, and its children.

use crate::{
    conformance::{
        failure::{Check, Failure, check, same},
        sources::{
            bench::{Bench, Stage, done, numbered},
            reading::{ROOM, Reading, Until},
        },
    },
    stream::{Shard, ShardId, StartAt},
};

/// The parts of a child that both an answer of the service and a listing contain.
type Child = (ShardId, Vec<ShardId>, Option<crate::stream::HashRange>);

/// The comparable parts of shards, in a fixed order.
fn children<'a>(shards: impl IntoIterator<Item = &'a Shard>) -> Vec<Child> {
    let child = |shard: &Shard| {
        let mut parents = shard.parents.clone();
        parents.sort();
        (shard.id.clone(), parents, shard.range)
    };
    let mut children: Vec<_> = shards.into_iter().map(child).collect();
    children.sort();
    children
}

/// The listed children of `parent`. Fails unless there are `count`.
async fn listed(stage: &Stage, parent: &ShardId, count: usize) -> Result<Vec<Shard>, Failure> {
    let mut shards = stage.source.shards().await?;
    shards.retain(|shard| shard.parents.contains(parent));
    same("the children that are listed", &shards.len(), &count)?;
    shards.sort_by_key(|shard| shard.range);
    Ok(shards)
}

/// Reads to the end of a shard. If the reader names children, they must be those that are listed.
async fn ends(stage: &Stage, shard: usize, mut reading: Reading, count: usize) -> Check {
    reading.read_in_trouble(Until::End).await?;
    let listed = listed(stage, &stage.shards[shard].id, count).await?;
    match reading.seen.end.take().flatten() {
        Some(named) => same("the children that are named", &children(&named), &children(&listed)),
        None => Ok(()),
    }
}

/// A reader that was open before the split and one that is opened after it both read to the end. An
/// end that comes early loses the remaining records, because the lease is then complete.
pub(crate) async fn a_split_shard_ends_after_its_last_record(bench: Bench) -> Check {
    let stage = bench.stream(1).await?;
    let mut early = stage.open_first().await?;
    stage.put(0, 0..5).await?;
    early.read(Until::Records(5)).await?;
    stage.put(0, 5..8).await?;
    done(stage.stream.split(&stage.shards[0]).await)?;
    // The reader that was open before the split, and a new one.
    for mut reading in [early, stage.open_first().await?] {
        reading.read_in_trouble(Until::Records(8)).await?;
        reading.has_seen(&numbered(0..8))?;
        ends(&stage, 0, reading, 2).await?;
    }
    Ok(())
}

/// Both parents end, and name the same child. The worker starts the child after both parents have
/// ended.
pub(crate) async fn merged_shards_end_and_share_their_child(bench: Bench) -> Check {
    let stage = bench.stream(2).await?;
    stage.put(0, 0..3).await?;
    stage.put(1, 3..5).await?;
    done(stage.stream.merge(&stage.shards[0].id, &stage.shards[1].id).await)?;
    for (shard, numbers) in [(0, 0..3), (1, 3..5)] {
        let mut reading = stage.open(shard, StartAt::TrimHorizon).await?;
        reading.read_in_trouble(Until::Records(numbers.len())).await?;
        reading.has_seen(&numbered(numbers))?;
        ends(&stage, shard, reading, 1).await?;
    }
    Ok(())
}

/// A split of another shard must not end this one. A wrong end would stop the shard permanently.
pub(crate) async fn an_open_shard_does_not_end(bench: Bench) -> Check {
    let stage = bench.stream(2).await?;
    stage.put(0, 0..3).await?;
    // A split of the other shard.
    done(stage.stream.split(&stage.shards[1]).await)?;
    let mut reading = stage.open_first().await?;
    reading.brings(&numbered(0..3)).await?;
    for _ in 0..2 {
        reading.step(ROOM).await?;
    }
    // A record that is put later must still come.
    stage.put(0, 3..4).await?;
    reading.brings(&numbered(0..4)).await?;
    check(reading.seen.end.is_none(), || "it ended".to_owned())
}

/// The answer with the end has no records here, and none came before it.
pub(crate) async fn a_shard_without_records_ends_too(bench: Bench) -> Check {
    let stage = bench.stream(1).await?;
    let mut early = stage.open_first().await?;
    early.read(Until::Rest).await?;
    done(stage.stream.split(&stage.shards[0]).await)?;
    for reading in [early, stage.open_first().await?] {
        ends(&stage, 0, reading, 2).await?;
    }
    Ok(())
}

/// A new owner may start behind the last record, when only the end is left to read. If it got no
/// end, the children would never start.
pub(crate) async fn after_the_last_record_of_an_ended_shard_is_its_end(bench: Bench) -> Check {
    let stage = bench.stream(1).await?;
    let last = stage.put(0, 0..3).await?.remove(2);
    done(stage.stream.split(&stage.shards[0]).await)?;
    let mut reading = stage.open(0, StartAt::After(last)).await?;
    reading.read_in_trouble(Until::End).await?;
    reading.has_seen(&[])?;
    ends(&stage, 0, reading, 2).await
}

/// Records put after the split are in the children, from their trim horizon. So the records of
/// parent and children together are complete.
pub(crate) async fn children_begin_where_their_parent_ended(bench: Bench) -> Check {
    let mut stage = bench.stream(1).await?;
    stage.put(0, 0..3).await?;
    done(stage.stream.split(&stage.shards[0]).await)?;
    stage.shards = listed(&stage, &stage.shards[0].id, 2).await?;
    for (child, numbers) in [(0, 3..6), (1, 6..8)] {
        stage.put(child, numbers.clone()).await?;
        stage.open(child, StartAt::TrimHorizon).await?.brings(&numbered(numbers)).await?;
    }
    Ok(())
}
