//! The start positions of a reader.

use bytes::Bytes;

use crate::{
    conformance::{
        failure::{Check, Failure},
        sources::{
            bench::{Bench, done, numbered},
            reading::Until,
        },
    },
    env::WallTime,
    stream::{Position, StartAt},
};

/// The time in milliseconds between two groups of records. Some servers round arrivals to a second,
/// and a source may start a second earlier because of that.
const APART: u64 = 2_300;

/// A reader from the trim horizon returns every record that is left.
pub(crate) async fn the_trim_horizon_is_before_every_record(bench: Bench) -> Check {
    let stage = bench.stream(1).await?;
    stage.put(0, 0..4).await?;
    stage.open_first().await?.brings(&numbered(0..4)).await
}

/// A reader at `Latest` returns the records that are put after its first read, at the latest. A
/// record that is put before the first read may be returned or not.
pub(crate) async fn the_latest_is_after_every_record(bench: Bench) -> Check {
    let stage = bench.stream(1).await?;
    stage.put(0, 0..4).await?;
    let mut reading = stage.open(0, StartAt::Latest).await?;
    reading.read(Until::Rest).await?;
    reading.has_seen(&[])?;
    stage.put(0, 4..7).await?;
    reading.brings(&numbered(4..7)).await
}

/// A reader from a time returns the first record that arrived at or after it, and all after that.
pub(crate) async fn a_time_is_before_the_first_record_that_arrived_then(bench: Bench) -> Check {
    let stage = bench.stream(1).await?;
    stage.put(0, 0..3).await?;
    stage.wait(APART).await;
    stage.put(0, 3..6).await?;
    let mut all = stage.open_first().await?;
    all.brings(&numbered(0..6)).await?;
    let arrivals = all.seen.records.iter().map(|record| record.arrival);
    let arrivals: Option<Vec<WallTime>> = arrivals.collect();
    let arrivals = arrivals.ok_or_else(|| Failure::new("a record without a time of arrival"))?;
    // A time between the two groups of records.
    let between = WallTime::from_millis(arrivals[3].as_millis() - APART / 2);
    for (at, numbers) in [(arrivals[0], 0..6), (between, 3..6)] {
        stage.open(0, StartAt::AtTimestamp(at)).await?.brings(&numbered(numbers)).await?;
    }
    Ok(())
}

/// `StartAt::At` returns the record itself first.
pub(crate) async fn at_a_record_is_with_it(bench: Bench) -> Check {
    let stage = bench.stream(1).await?;
    let put = stage.put(0, 0..4).await?;
    for (position, from) in put.into_iter().zip(0..) {
        let mut reading = stage.open(0, StartAt::At(position.sequence)).await?;
        reading.brings(&numbered(from..4)).await?;
    }
    Ok(())
}

/// `StartAt::After` starts with the next record.
pub(crate) async fn after_a_record_is_without_it(bench: Bench) -> Check {
    let stage = bench.stream(1).await?;
    let put = stage.put(0, 0..5).await?;
    for (position, from) in put.into_iter().zip(1..5) {
        stage.open(0, StartAt::After(position)).await?.brings(&numbered(from..5)).await?;
    }
    Ok(())
}

/// A reader that starts at the tip misses nothing that is put later. So an owner that has processed
/// everything loses nothing when it restarts.
pub(crate) async fn after_the_newest_record_is_what_comes_next(bench: Bench) -> Check {
    let stage = bench.stream(1).await?;
    let newest = stage.put(0, 0..3).await?.remove(2);
    let mut reading = stage.open(0, StartAt::After(newest)).await?;
    reading.read(Until::Rest).await?;
    reading.has_seen(&[])?;
    stage.put(0, 3..5).await?;
    reading.brings(&numbered(3..5)).await
}

/// A checkpoint may lie inside a KPL aggregate; the rest of the aggregate must still come.
pub(crate) async fn after_a_part_of_an_aggregate_are_the_others(bench: Bench) -> Check {
    let stage = bench.stream(1).await?;
    stage.put(0, 0..1).await?;
    let parts = numbered(1..4).into_iter().map(Bytes::from).collect();
    let aggregate = done(stage.stream.put_aggregate(1, parts).await)?;
    stage.put(0, 4..5).await?;
    stage.open_first().await?.brings(&numbered(0..5)).await?;
    for (sub, from) in (0..3).zip(2..) {
        let part = Position::new(aggregate.clone(), sub);
        stage.open(0, StartAt::After(part)).await?.brings(&numbered(from..5)).await?;
    }
    Ok(())
}
