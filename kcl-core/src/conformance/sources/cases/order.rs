//! The records that a reader returns, and their order.

use bytes::Bytes;

use crate::conformance::{
    failure::{Check, Failure, check, same},
    sources::{
        bench::{Bench, done, numbered},
        reading::{ROOM, Until},
    },
};

/// Positions grow, also for records that are put while the reader reads. Checkpoints rely on this
/// order.
pub(crate) async fn records_come_once_and_in_their_order(bench: Bench) -> Check {
    let stage = bench.stream(1).await?;
    let mut put = stage.put(0, 0..30).await?;
    let mut reading = stage.open_first().await?;
    reading.read(Until::Records(30)).await?;
    put.extend(stage.put(0, 30..60).await?);
    reading.brings(&numbered(0..60)).await?;
    let seen: Vec<_> = reading.seen.records.iter().map(|it| it.position.clone()).collect();
    same("the positions", &seen, &put)?;
    check(seen.is_sorted_by(|a, b| a < b), || format!("positions that do not grow: {seen:?}"))
}

/// A payload of 70,000 bytes with every byte value, and a partition key beyond ASCII. Finds
/// payloads that are handled as text, and keys that are handled as ASCII.
pub(crate) async fn a_record_comes_as_it_was_put(bench: Bench) -> Check {
    let stage = bench.stream(1).await?;
    let every: Vec<u8> = (0..=u8::MAX).cycle().take(70_000).collect();
    let key = "Schlüssel 7";
    let put = done(stage.stream.put(1, key, Bytes::from(every.clone())).await)?;
    let mut reading = stage.open_first().await?;
    reading.read(Until::Records(1)).await?;
    let record = reading.seen.records.remove(0);
    same("the payload", &record.data, &Bytes::from(every))?;
    same("the partition key", &record.partition_key.as_deref(), &Some(key))?;
    same("the position", &record.position, &put)
}

/// Records of the other shards do not appear.
pub(crate) async fn each_shard_has_its_own_records(bench: Bench) -> Check {
    let stage = bench.stream(3).await?;
    for (shard, numbers) in [(2, 0..5), (0, 5..12), (1, 12..15), (0, 15..17)] {
        stage.put(shard, numbers).await?;
    }
    let of_the_first = [numbered(5..12), numbered(15..17)].concat();
    for (shard, texts) in [of_the_first, numbered(12..15), numbered(0..5)].iter().enumerate() {
        let mut reading = stage.open(shard, crate::stream::StartAt::TrimHorizon).await?;
        reading.brings(texts).await?;
    }
    Ok(())
}

/// `through` of a batch is the position of its last record. The worker writes this position as the
/// checkpoint.
pub(crate) async fn an_answer_says_which_position_was_passed(bench: Bench) -> Check {
    let stage = bench.stream(1).await?;
    stage.put(0, 0..7).await?;
    let mut reading = stage.open_first().await?;
    while reading.seen.records.len() < 7 {
        let Some(batch) = reading.step(ROOM).await? else {
            return Err(Failure::new(format!("no records: {:?}", reading.seen)));
        };
        if let Some(last) = batch.records.last() {
            same("the position passed", &batch.through, &Some(last.position.clone()))?;
        }
    }
    Ok(())
}

/// Two readers of one shard return equal records, arrival times included. The next owner of a lease
/// repeats records that the former owner has read.
pub(crate) async fn who_reads_again_sees_the_same(bench: Bench) -> Check {
    let stage = bench.stream(1).await?;
    stage.put(0, 0..12).await?;
    let mut first = stage.open_first().await?;
    first.brings(&numbered(0..12)).await?;
    let mut again = stage.open_first().await?;
    again.brings(&numbered(0..12)).await?;
    same(
        "the records, with everything that is said of them",
        &again.seen.records,
        &first.seen.records,
    )
}
