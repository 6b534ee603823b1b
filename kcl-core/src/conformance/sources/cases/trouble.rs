//! Reads that fail: no fault may lose a record, repeat one, or look like the end of the shard.

use crate::{
    conformance::{
        failure::{Check, check},
        sources::{
            bench::{Bench, Stage, numbered},
            factory::Trouble,
            reading::Until,
        },
    },
    stream::StartAt,
};

/// Makes `reads` reads fail at the beginning, and again in each further round after the tip was
/// reached. Every record must come once, and no end.
async fn passes(stage: &Stage, trouble: Trouble, reads: u32, rounds: u32) -> Check {
    stage.put(0, 0..4).await?;
    let mut reading = stage.open_first().await?;
    let mut put = 4;
    for _ in 0..rounds {
        stage.stream.trouble(trouble, reads);
        reading.read_in_trouble(Until::Records(put as usize)).await?;
        reading.has_seen(&numbered(0..put))?;
        reading.read_in_trouble(Until::Rest).await?;
        stage.put(0, put..put + 2).await?;
        put += 2;
    }
    reading.brings(&numbered(0..put)).await?;
    check(reading.seen.end.is_none(), || "it ended".to_owned())
}

/// Two reads are throttled at the beginning.
pub(crate) async fn a_throttled_read_is_made_again_and_is_no_end(bench: Bench) -> Check {
    // One round only: a source may slow down more with every throttled read.
    passes(&bench.stream(1).await?, Trouble::Throttled, 2, 1).await
}

/// Four reads fail, twice; every record still comes once.
pub(crate) async fn an_outage_loses_nothing(bench: Bench) -> Check {
    passes(&bench.stream(1).await?, Trouble::Unavailable, 4, 2).await
}

/// Finds a reader that starts a new iterator at its first position. Such a reader would repeat
/// records or miss some.
pub(crate) async fn an_expired_iterator_is_renewed_where_the_reader_stood(bench: Bench) -> Check {
    passes(&bench.stream(1).await?, Trouble::Expired, 1, 3).await
}

/// The reader has no position yet that a new iterator could continue from.
pub(crate) async fn an_iterator_that_expires_at_the_tip_misses_nothing(bench: Bench) -> Check {
    let stage = bench.stream(1).await?;
    let mut reading = stage.open(0, StartAt::Latest).await?;
    reading.read(Until::Rest).await?;
    stage.stream.trouble(Trouble::Expired, 1);
    stage.put(0, 0..3).await?;
    reading.read_in_trouble(Until::Records(3)).await?;
    reading.read(Until::Rest).await?;
    reading.has_seen(&numbered(0..3))
}

/// Three blank answers in a row: a source may repeat the read after the first, compare the second
/// with the list of shards, and take the third as a first one again.
pub(crate) async fn blank_answers_do_not_end_an_open_shard(bench: Bench) -> Check {
    passes(&bench.stream(1).await?, Trouble::Blank, 3, 2).await
}
