//! The list of shards.

use crate::{
    conformance::{
        failure::{Check, Failure, check, same},
        sources::{
            bench::{Bench, Stage, done},
            reading::ROOM,
        },
    },
    stream::{HashKey, HashRange, Shard, ShardId, SourceErrorKind, StartAt},
};

/// All listed shards: closed ones first, each group in the order of their hash keys.
async fn listed(stage: &Stage) -> Result<Vec<Shard>, Failure> {
    let mut shards = stage.source.shards().await?;
    shards.sort_by_key(|shard| (!shard.closed, shard.range));
    Ok(shards)
}

/// Fails unless the ranges of these shards cover every hash key exactly once.
fn cover(shards: &[Shard]) -> Check {
    let ranges: Vec<HashRange> = shards.iter().filter_map(|shard| shard.range).collect();
    same("the shards with a range", &ranges.len(), &shards.len())?;
    let joined = ranges.windows(2).all(|pair| pair[0].end.checked_add(1) == Some(pair[1].start));
    let ends = (ranges.first().map(|it| it.start), ranges.last().map(|it| it.end));
    same("the first hash key and the last", &ends, &(Some(0), Some(HashKey::MAX)))?;
    check(joined, || format!("ranges that do not join: {ranges:?}"))
}

/// The ranges of a new stream join without gap or overlap, and no shard has a parent. Otherwise a
/// record could be in no shard, or in two.
pub(crate) async fn the_shards_cover_all_hash_keys(bench: Bench) -> Check {
    let stage = bench.stream(5).await?;
    same("the shards", &stage.shards.len(), &5)?;
    cover(&stage.shards)?;
    for shard in &stage.shards {
        check(!shard.closed && shard.parents.is_empty(), || format!("not a first one: {shard:?}"))?;
    }
    Ok(())
}

/// The parent is listed as closed, and both children name it. The children get their leases from
/// this list if the end of the parent does not name them.
pub(crate) async fn a_split_is_listed_with_its_children(bench: Bench) -> Check {
    let stage = bench.stream(2).await?;
    let parent = &stage.shards[1];
    done(stage.stream.split(parent).await)?;
    let shards = listed(&stage).await?;
    let closed: Vec<_> = shards.iter().filter(|it| it.closed).map(|it| it.id.clone()).collect();
    same("the closed shards", &closed, &vec![parent.id.clone()])?;
    let open: Vec<_> = shards.into_iter().filter(|shard| !shard.closed).collect();
    same("the open shards", &open.len(), &3)?;
    cover(&open)?;
    let parents: Vec<_> = open.iter().map(|shard| shard.parents.clone()).collect();
    same("the parents", &parents, &vec![vec![], vec![parent.id.clone()], vec![parent.id.clone()]])
}

/// Both parents are listed as closed, and the child names them. The planner holds the child back
/// until both parents have ended.
pub(crate) async fn a_merge_is_listed_with_its_parents(bench: Bench) -> Check {
    let stage = bench.stream(2).await?;
    let mut both: Vec<ShardId> = stage.shards.iter().map(|shard| shard.id.clone()).collect();
    done(stage.stream.merge(&both[0], &both[1]).await)?;
    let mut shards = listed(&stage).await?;
    same("the shards", &shards.len(), &3)?;
    let mut child = shards.remove(2);
    check(shards.iter().all(|shard| shard.closed), || format!("not closed: {shards:?}"))?;
    cover(std::slice::from_ref(&child))?;
    both.sort();
    child.parents.sort();
    same("the parents of the child", &(child.closed, child.parents), &(false, both))
}

/// 1,002 shards, more than one page of Kinesis' `ListShards` holds. A shard that is not listed
/// would be read by no worker.
pub(crate) async fn every_shard_of_a_long_list_is_listed(bench: Bench) -> Check {
    let stage = bench.stream(1_000).await?;
    cover(&stage.shards)?;
    done(stage.stream.split(&stage.shards[0]).await)?;
    let shards = listed(&stage).await?;
    same(
        "the shards, and those that are closed",
        &(shards.len(), shards[1].closed),
        &(1_002, false),
    )?;
    cover(&shards[1..])
}

/// The source may report the missing shard when the reader is opened, or at its first read.
pub(crate) async fn a_shard_that_is_not_there_is_told_as_such(bench: Bench) -> Check {
    let stage = bench.stream(1).await?;
    let missing: ShardId = "shardId-000000000099".parse()?;
    let opened = stage.source.open(&stage.key, &missing, StartAt::TrimHorizon).await;
    let told = match opened {
        Ok(mut reader) => reader.next(ROOM).await.map(drop),
        Err(error) => Err(error),
    };
    same("what is told", &told.err().map(|error| error.kind), &Some(SourceErrorKind::NoShard))
}
