//! Cancel safety: calls that are dropped half way, and readers that are closed at any time.

use std::time::Duration;

use crate::{
    conformance::{
        failure::{Check, Failure},
        sources::{
            bench::{Bench, done, numbered},
            reading::{ROOM, Until},
        },
    },
    stream::ByteLimit,
};

/// The number of calls that must be dropped before the case counts.
const DROPS: u32 = 8;

/// The longest time after which a call is dropped. It doubles while no call is answered.
const PATIENCE: Duration = Duration::from_millis(3);

/// Drops calls of `next` at random moments between their start and their answer. Each call may
/// bring one record only, so that calls go on while records are left. The next call has to return
/// what the dropped call would have returned.
pub(crate) async fn a_dropped_read_loses_nothing_and_repeats_nothing(bench: Bench) -> Check {
    let mut stage = bench.stream(1).await?;
    let mut reading = stage.open_first().await?;
    let (mut put, mut dropped, mut patience) = (30, 0, PATIENCE);
    stage.put(0, 0..put).await?;
    while dropped < DROPS || reading.seen.records.len() < put as usize {
        // Another record, so that there is a call to drop.
        if reading.seen.records.len() == put as usize {
            stage.put(0, put..put + 1).await?;
            put += 1;
        }
        reading.reader.ready().await;
        tokio::select! {
            biased;
            told = reading.reader.next(ByteLimit(1)) => {
                reading.seen.note(told)?;
                patience = PATIENCE;
            }
            () = stage.clock.sleep(stage.rng.span(patience)) => {
                dropped += 1;
                // More time, so that some calls are answered on a slow server as well.
                patience *= 2;
            }
        }
    }
    reading.brings(&numbered(0..put)).await
}

/// Drops calls of `ready` before and after a record has arrived. The record must still come.
pub(crate) async fn a_dropped_wait_takes_nothing(bench: Bench) -> Check {
    const RECORDS: u32 = 12;
    let mut stage = bench.stream(1).await?;
    let mut reading = stage.open_first().await?;
    reading.read(Until::Rest).await?;
    for number in 0..RECORDS {
        let moment = stage.rng.span(3 * PATIENCE);
        let mut waiting = reading.reader.ready();
        // Polls the wait once: most readers wait, because there is no record yet.
        let waits = tokio::select! {
            biased;
            () = &mut waiting => false,
            () = std::future::ready(()) => true,
        };
        stage.put(0, number..number + 1).await?;
        if waits {
            tokio::select! {
                biased;
                () = waiting => {}
                () = stage.clock.sleep(moment) => {}
            }
        } else {
            drop(waiting);
        }
        reading.step(ROOM).await?;
    }
    reading.brings(&numbered(0..RECORDS)).await
}

/// Closes readers that were never read, that have records left, whose call was dropped, and whose
/// shard has ended, each within 500 ms. A worker closes the reader before it releases the lease, so
/// a slow one delays the next owner.
pub(crate) async fn a_reader_can_be_closed_at_any_time(bench: Bench) -> Check {
    let stage = bench.stream(1).await?;
    stage.put(0, 0..3).await?;
    let unread = stage.open_first().await?;
    let mut at_work = stage.open_first().await?;
    at_work.read(Until::Records(3)).await?;
    let mut dropped = stage.open_first().await?;
    tokio::select! {
        biased;
        _ = dropped.reader.next(ROOM) => {}
        () = std::future::ready(()) => {}
    }
    let mut ended = stage.open_first().await?;
    done(stage.stream.split(&stage.shards[0]).await)?;
    ended.read_in_trouble(Until::End).await?;
    for (when, reading) in
        [("unread", unread), ("at work", at_work), ("dropped", dropped), ("ended", ended)]
    {
        tokio::select! {
            biased;
            () = reading.close() => {}
            () = stage.wait(500) => {
                return Err(Failure::new(format!("a reader ({when}) does not close")));
            }
        }
    }
    Ok(())
}
