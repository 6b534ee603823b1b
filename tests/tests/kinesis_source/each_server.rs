//! What must be right on every server, beyond what the suite asks of every source.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use anyhow::{Context, Result, ensure};
use bytes::Bytes;
use kcl_core::{
    env::WallTime,
    stream::{
        ByteLimit, HashKey, KplMark, Position, ReadEvent, Shard, SourceErrorKind, StartAt,
        StreamKey, StreamSource,
    },
};
use kcl_kinesis::{KinesisSource, kpl::Aggregator};
use kcl_tests::{
    kinesis::TestStream,
    servers::{Ferrokinesis, KinesisLocal},
};

use super::{ROOM, at, drain, numbered, open, texts};

/// Each test runs on each server.
macro_rules! on_each_server {
    ($($test:ident),* $(,)?) => {
        mod ferrokinesis {
            $(#[tokio::test]
            async fn $test() -> anyhow::Result<()> {
                let server = super::Ferrokinesis::start()?;
                super::$test(server.url()).await
            })*
        }

        mod kinesis_local {
            $(#[tokio::test]
            async fn $test() -> anyhow::Result<()> {
                let server = super::KinesisLocal::shared()?;
                super::$test(server.url()).await
            })*
        }
    };
}

on_each_server!(
    the_stream_is_described_by_its_own_clock,
    a_reader_drains_many_pages_in_order,
    large_records_are_read_whole_whatever_the_room,
    reading_resumes_inside_an_aggregate,
    an_unknown_stream_or_shard_is_told_as_such,
    two_hundred_shards_are_listed_and_read,
    no_record_is_lost_or_repeated_while_shards_are_split_and_merged,
);

async fn the_stream_is_described_by_its_own_clock(url: &str) -> Result<()> {
    let stream = TestStream::create(url, "described", 1).await?;
    let first = stream.source().describe().await?;
    assert_eq!((&*first.key.name, first.retention), ("described", Duration::from_hours(24)));
    // Made a moment ago, and told up to a second, cut to the second, early.
    let age = first.server_time.as_millis().abs_diff(first.key.created.as_millis());
    assert!(age < 60_000, "{first:?}");
    assert_eq!(stream.source().describe().await?.key, first.key);

    // A timestamp ahead of the server's clock is refused: this one is not.
    let shard = &stream.shards().await?[0].id;
    let mut reader = open(&stream.source(), shard, StartAt::AtTimestamp(first.server_time)).await?;
    assert!(drain(&mut *reader).await?.0.is_empty());
    Ok(())
}

async fn a_reader_drains_many_pages_in_order(url: &str) -> Result<()> {
    let stream = TestStream::create(url, "pages", 1).await?;
    let shard = stream.shards().await?[0].id.clone();
    stream.put_all(&at(0, 0..400)).await?;
    let source = stream.source_builder().max_records(70).build()?;
    let mut reader = open(&source, &shard, StartAt::TrimHorizon).await?;
    let (records, _) = drain(&mut *reader).await?;
    assert_eq!(texts(&records), numbered(0..400));
    assert!(records.is_sorted_by(|a, b| a.position < b.position));
    Ok(())
}

async fn large_records_are_read_whole_whatever_the_room(url: &str) -> Result<()> {
    // The largest there may be, the partition key included.
    let size = (1 << 20) - 1;
    let stream = TestStream::create(url, "large", 1).await?;
    let shard = stream.shards().await?[0].id.clone();
    for byte in 0..4 {
        stream.put("k", None, &vec![byte; size]).await?;
    }
    let source = stream.source();
    let mut reader = open(&source, &shard, StartAt::TrimHorizon).await?;
    let mut seen = Vec::new();
    let mut most = 0;
    while seen.len() < 4 {
        let ReadEvent::Batch(batch) = reader.next(ByteLimit(2 << 20)).await? else {
            anyhow::bail!("no batch")
        };
        // The size of the records is not known before the first answer.
        most = if seen.is_empty() { 0 } else { most.max(batch.records.len()) };
        seen.extend(batch.records);
    }
    assert!(most <= 2, "{most} records of a MiB in 2 MiB");
    for (record, byte) in seen.iter().zip(0..) {
        ensure!(record.data.len() == size && record.data.iter().all(|b| *b == byte));
    }
    assert!(reader.size_hint() >= ByteLimit(1 << 20));
    Ok(())
}

async fn reading_resumes_inside_an_aggregate(url: &str) -> Result<()> {
    let stream = TestStream::create(url, "aggregated", 2).await?;
    let shards = stream.shards().await?;
    let mut aggregator = Aggregator::new(1 << 20);
    for (text, hash) in [("a", 0), ("b", HashKey::MAX), ("c", 1)] {
        aggregator.add("user", Some(hash), Bytes::copy_from_slice(text.as_bytes()))?;
    }
    let aggregate = aggregator.finish().context("nothing to send")?;
    let number = stream.put(&aggregate.partition_key, Some(0), &aggregate.data).await?;
    stream.put("k", Some(0), b"plain").await?;

    // A source that never listed the shards learns the hash range when it matters.
    let source = stream.source();
    let mut reader = open(&source, &shards[0].id, StartAt::TrimHorizon).await?;
    let (all, _) = drain(&mut *reader).await?;
    assert_eq!(texts(&all), ["a", "b", "c", "plain"]);
    let marks: Vec<_> = all.iter().map(|record| record.kpl).collect();
    use KplMark::{Aggregated, OutsideShard, Plain};
    assert_eq!(marks, [Aggregated, OutsideShard, Aggregated, Plain]);
    for (sub, expected) in [(0, &["b", "c", "plain"][..]), (1, &["c", "plain"]), (2, &["plain"])] {
        let start = StartAt::After(Position::new(number.parse()?, sub));
        let mut reader = open(&source, &shards[0].id, start).await?;
        assert_eq!(texts(&drain(&mut *reader).await?.0), expected);
    }
    Ok(())
}

async fn an_unknown_stream_or_shard_is_told_as_such(url: &str) -> Result<()> {
    let known = TestStream::create(url, "known", 1).await?.source();
    let unknown = TestStream::named(url, "unknown").source();
    let missing = "shardId-000000000099".parse()?;
    let stream = StreamKey::new("unknown", WallTime::from_millis(1_700_000_000_000));
    let errors = [
        unknown.describe().await.err(),
        unknown.shards().await.err(),
        // Opening makes sure that it is this stream.
        unknown.open(&stream, &missing, StartAt::TrimHorizon).await.err(),
    ];
    for error in errors {
        let error = error.context("not refused")?;
        assert_eq!(error.kind, SourceErrorKind::NoStream, "{error:?}");
    }
    let mut reader = open(&known, &missing, StartAt::TrimHorizon).await?;
    let error = reader.next(ROOM).await.err().context("not refused")?;
    assert_eq!(error.kind, SourceErrorKind::NoShard, "{error:?}");
    Ok(())
}

async fn two_hundred_shards_are_listed_and_read(url: &str) -> Result<()> {
    let stream = TestStream::create(url, "wide", 200).await?;
    let shards = stream.shards().await?;
    assert_eq!(shards.len(), 200);
    let mut ranges: Vec<_> = shards.iter().filter_map(|shard| shard.range).collect();
    ranges.sort();
    assert_eq!((ranges[0].start, ranges[199].end), (0, HashKey::MAX));
    assert!(ranges.windows(2).all(|pair| pair[0].end + 1 == pair[1].start));
    let starts = ranges.iter().map(|range| (range.start, range.start.to_string()));
    stream.put_all(&starts.collect::<Vec<_>>()).await?;
    let source = Arc::new(stream.source());
    let mut readers = tokio::task::JoinSet::new();
    for shard in shards {
        let source = Arc::clone(&source);
        readers.spawn(async move {
            let mut reader = open(&source, &shard.id, StartAt::TrimHorizon).await?;
            let (records, _) = drain(&mut *reader).await?;
            let start = shard.range.context("no range")?.start;
            ensure!(texts(&records) == [start.to_string()], "{}: {records:?}", shard.id);
            Ok(())
        });
    }
    while let Some(outcome) = readers.join_next().await {
        outcome??;
    }
    Ok(())
}

async fn no_record_is_lost_or_repeated_while_shards_are_split_and_merged(url: &str) -> Result<()> {
    const RECORDS: usize = 240;
    let stream = TestStream::create(url, "resharded", 2).await?;
    let roots = stream.shards().await?;
    let write = async {
        for number in 0..RECORDS {
            let hash = if number % 2 == 0 { 0 } else { HashKey::MAX };
            stream.put("key", Some(hash), format!("record {number}").as_bytes()).await?;
        }
        Ok(())
    };
    let reshard = async {
        stream.split(&roots[0]).await?;
        stream.split(&roots[1]).await?;
        let shards = stream.shards().await?;
        let open: Vec<_> = shards.iter().filter(|shard| !shard.closed).collect();
        stream.merge(&open[1].id, &open[2].id).await
    };
    let read = read_lineage(stream.source(), roots.clone(), RECORDS);
    let ((), (), seen) = tokio::try_join!(write, reshard, read)?;

    let expected = numbered(0..RECORDS);
    for parity in [0, 1] {
        // Each writer's records stay in one line of shards, so their order is kept across them.
        let line: Vec<_> = seen.iter().filter(|text| parity_of(text) == parity).cloned().collect();
        let written: Vec<_> = expected.iter().skip(parity).step_by(2).cloned().collect();
        assert_eq!(line, written);
    }
    Ok(())
}

fn parity_of(text: &str) -> usize {
    usize::from(text.ends_with(['1', '3', '5', '7', '9']))
}

/// Reads these shards and all that continue them, each after its parents, until so many records
/// were seen.
async fn read_lineage(
    source: KinesisSource,
    roots: Vec<Shard>,
    records: usize,
) -> Result<Vec<String>> {
    let mut seen = Vec::new();
    let mut ended = BTreeSet::new();
    let mut opened: BTreeSet<_> = roots.iter().map(|root| root.id.clone()).collect();
    let mut readers = Vec::new();
    for root in roots {
        readers.push((root.id.clone(), open(&source, &root.id, StartAt::TrimHorizon).await?));
    }
    while seen.len() < records {
        let (id, mut reader) = readers.remove(0);
        match reader.next(ROOM).await? {
            ReadEvent::Batch(batch) => {
                seen.extend(texts(&batch.records));
                readers.push((id, reader));
            }
            ReadEvent::End { children, .. } => {
                ended.insert(id);
                for child in children.context("no children")? {
                    let ready = child.parents.iter().all(|parent| ended.contains(parent));
                    if ready && opened.insert(child.id.clone()) {
                        let start = StartAt::TrimHorizon;
                        readers.push((child.id.clone(), open(&source, &child.id, start).await?));
                    }
                }
            }
            other => anyhow::bail!("{other:?}"),
        }
    }
    Ok(seen)
}
