//! Byte limits: how many records one read may return.

use bytes::Bytes;

use crate::{
    conformance::{
        failure::{Check, Failure, check, same},
        sources::{
            bench::{Bench, Stage, done},
            reading::{Reading, Until},
        },
    },
    stream::{Batch, ByteLimit},
};

/// The size of each record's payload in bytes, and the number of records.
const SIZE: usize = 10_000;
const RECORDS: usize = 12;

/// Makes a stream with [`RECORDS`] records of [`SIZE`] bytes.
async fn stage(bench: Bench) -> Result<Stage, Failure> {
    let stage = bench.stream(1).await?;
    for _ in 0..RECORDS {
        done(stage.stream.put(1, "key", Bytes::from(vec![b'x'; SIZE])).await)?;
    }
    Ok(stage)
}

/// The next batch with records. Fails after 50 empty ones.
async fn some(reading: &mut Reading, room: ByteLimit) -> Result<Batch, Failure> {
    for _ in 0..50 {
        match reading.step(room).await? {
            Some(batch) if batch.records.is_empty() => {}
            Some(batch) => return Ok(batch),
            None => break,
        }
    }
    Err(Failure::new(format!("no records for {room:?}: {:?}", reading.seen)))
}

/// After a first read with the smallest limit, from which a source may learn the size of records,
/// no batch weighs more than the limit. The limit bounds the memory of a worker.
pub(crate) async fn no_more_comes_than_there_is_room_for(bench: Bench) -> Check {
    let stage = stage(bench).await?;
    let mut reading = stage.open_first().await?;
    let first = some(&mut reading, ByteLimit(1)).await?;
    same("the records without any room", &first.records.len(), &1)?;
    let weight = first.weight();
    let room = ByteLimit(3 * weight + weight / 2);
    while reading.seen.records.len() < RECORDS {
        let batch = some(&mut reading, room).await?;
        check(batch.weight() <= room.0, || {
            format!("{} records of {} bytes in {room:?}", batch.records.len(), batch.weight())
        })?;
    }
    same("the records", &reading.seen.records.len(), &RECORDS)
}

/// A byte limit below the size of a record must not stop the shard. The reader returns one record
/// then.
pub(crate) async fn one_record_comes_whatever_the_room(bench: Bench) -> Check {
    let stage = stage(bench).await?;
    let mut reading = stage.open_first().await?;
    for room in [1, 100, SIZE / 2] {
        same("the records", &some(&mut reading, ByteLimit(room)).await?.records.len(), &1)?;
    }
    Ok(())
}

/// Without new records a read returns an empty batch, again and again. The batch says `at_tip`, by
/// which a worker knows that it has no lag.
pub(crate) async fn a_shard_at_its_tip_answers_with_nothing(bench: Bench) -> Check {
    let stage = bench.stream(1).await?;
    let mut reading = stage.open_first().await?;
    for _ in 0..2 {
        reading.read(Until::Rest).await?;
        // One more read between the two, so that the second is a new answer.
        reading.step(ByteLimit(1)).await?;
    }
    stage.put(0, 0..1).await?;
    reading.brings(&crate::conformance::sources::bench::numbered(0..1)).await
}
