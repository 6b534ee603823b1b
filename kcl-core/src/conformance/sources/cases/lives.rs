//! The description of a stream, and its lives: a stream that is deleted and created again is
//! another.

use std::time::Duration;

use crate::{
    conformance::{
        failure::{Check, check, same},
        sources::{
            bench::{Bench, done, numbered},
            reading::Reading,
        },
    },
    stream::{SourceErrorKind, StartAt},
};

/// Two sources of one stream give the same key and name, a retention of at least a day, and the
/// server's time. All workers of an application compare these keys and names.
pub(crate) async fn a_stream_is_described_alike_each_time(bench: Bench) -> Check {
    let stage = bench.stream(1).await?;
    let (one, other) = (stage.source.describe().await?, stage.stream.source().describe().await?);
    same("the key", &(&one.key, &other.key), &(&stage.key, &stage.key))?;
    same("the name in full", &other.name, &one.name)?;
    check(one.retention >= Duration::from_hours(24), || format!("{one:?}"))?;
    // The stream was made a moment ago; the server may round the time to a second.
    let age = one.server_time.as_millis().abs_diff(one.key.created.as_millis());
    check(age < 60_000, || format!("made at {}, and it is {}", one.key.created, one.server_time))?;
    let early = stage.clock.wall().as_millis() + 1_000 >= other.server_time.as_millis();
    check(early, || format!("the stream's time is ahead: {}", other.server_time))
}

/// Two sources prepare at once, and one of them twice; reading works afterwards. Every worker
/// prepares at its start.
pub(crate) async fn preparing_at_once_and_twice_is_harmless(bench: Bench) -> Check {
    let stage = bench.stream(1).await?;
    stage.put(0, 0..2).await?;
    let other = stage.stream.source();
    let (one, two) = tokio::join!(stage.source.prepare(), other.prepare());
    one.and(two)?;
    stage.source.prepare().await?;
    stage.open_first().await?.brings(&numbered(0..2)).await
}

/// Shards of both lives have the same ids, so a source must refuse the key of the former life,
/// whether it has described that life or not. A checkpoint of the former stream would skip records
/// of the new one.
pub(crate) async fn a_stream_that_was_made_again_is_another(bench: Bench) -> Check {
    let stage = bench.stream(1).await?;
    stage.put(0, 0..3).await?;
    // Some servers round the time of creation to a second.
    stage.wait(1_100).await;
    done(stage.stream.delete().await)?;
    done(stage.stream.create_again(1).await)?;
    let key = stage.source.describe().await?.key;
    check(key.name == stage.key.name && key.created > stage.key.created, || {
        format!("{} was made again as {key}", stage.key)
    })?;
    let shard = stage.source.shards().await?.remove(0).id;
    for source in [stage.stream.source(), stage.source.clone()] {
        let former = source.open(&stage.key, &shard, StartAt::TrimHorizon).await;
        let told = former.err().map(|error| error.kind);
        same("opening a shard of the former life", &told, &Some(SourceErrorKind::OtherStream))?;
        let reader = source.open(&key, &shard, StartAt::TrimHorizon).await?;
        Reading::new(reader, shard.to_string(), stage.clock.clone()).brings(&[]).await?;
    }
    Ok(())
}

/// Describing and listing fail with `NoStream`, and not with an error that is retried.
pub(crate) async fn a_stream_that_is_gone_is_told_as_such(bench: Bench) -> Check {
    let stage = bench.stream(1).await?;
    done(stage.stream.delete().await)?;
    let described = stage.source.describe().await.map(drop);
    let listed = stage.source.shards().await.map(drop);
    for told in [described, listed] {
        let told = told.err().map(|error| error.kind);
        same("what is told", &told, &Some(SourceErrorKind::NoStream))?;
    }
    Ok(())
}
