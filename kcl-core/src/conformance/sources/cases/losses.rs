//! Losses: records that the stream has trimmed before they were read.

use crate::{
    conformance::{
        failure::{Check, same},
        sources::{
            bench::{Bench, done, numbered},
            reading::{Until, text},
        },
    },
    stream::StartAt,
};

/// The loss names the last position read and the first one left, and comes before the records that
/// follow. The worker reports the loss, and may stop the shard.
pub(crate) async fn trimmed_records_are_lost_from_the_last_position_read(bench: Bench) -> Check {
    let stage = bench.stream(1).await?;
    let put = stage.put(0, 0..6).await?;
    done(stage.stream.trim(4).await)?;
    let mut reading = stage.open(0, StartAt::After(put[0].clone())).await?;
    // The checkpoint is at record 0; records 0 to 3 are gone.
    reading.read(Until::Records(2)).await?;
    reading.read(Until::Rest).await?;
    let lost = (Some(put[0].clone()), Some(put[4].clone()), 0);
    same("what is lost, before the records that follow", &reading.seen.lost, &vec![lost])?;
    let seen: Vec<_> = reading.seen.records.iter().map(text).collect();
    same("the records that are left", &seen, &numbered(4..6))
}

/// No loss is reported if only records before the start are gone. A false report would stop the
/// shard if the worker is configured to stop.
pub(crate) async fn what_was_read_before_it_was_trimmed_is_not_lost(bench: Bench) -> Check {
    let stage = bench.stream(1).await?;
    let put = stage.put(0, 0..6).await?;
    done(stage.stream.trim(2).await)?;
    stage.open(0, StartAt::After(put[2].clone())).await?.brings(&numbered(3..6)).await
}

/// A reader from the trim horizon has no position yet, so nothing is lost.
pub(crate) async fn the_trim_horizon_is_after_what_was_trimmed(bench: Bench) -> Check {
    let stage = bench.stream(1).await?;
    stage.put(0, 0..6).await?;
    done(stage.stream.trim(4).await)?;
    stage.open_first().await?.brings(&numbered(4..6)).await
}
