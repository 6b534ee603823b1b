//! What only one of the servers can show.

use std::{process::Command, time::Duration};

use anyhow::{Context, Result, ensure};
use ferrokinesis::store::StoreOptions;
use kcl_core::stream::{Encryption, Position, ReadEvent, StartAt, StreamSource};
use kcl_kinesis::KinesisSource;
use kcl_tests::{
    kinesis::TestStream,
    servers::{Ferrokinesis, KinesisLocal},
};

use super::{ROOM, at, drain, numbered, open, texts};

/// Removes the oldest records, as retention does.
async fn trim(server: &Ferrokinesis, stream: &str, records: usize) {
    let keys = server.store().get_record_store(stream).await.into_keys();
    let oldest: Vec<_> = keys.take(records).collect();
    server.store().delete_record_keys(stream, &oldest).await;
}

#[tokio::test]
#[expect(clippy::disallowed_methods, reason = "iterators expire by the machine's clock")]
async fn an_iterator_that_expired_is_renewed_unnoticed() -> Result<()> {
    let server = Ferrokinesis::start_with(StoreOptions {
        create_stream_ms: 5,
        iterator_ttl_seconds: 1,
        ..StoreOptions::default()
    })?;
    let stream = TestStream::create(server.url(), "expiring", 1).await?;
    let shard = stream.shards().await?[0].id.clone();
    let source = stream.source();
    let mut fresh = open(&source, &shard, StartAt::Latest).await?;
    assert!(drain(&mut *fresh).await?.0.is_empty());
    stream.put_all(&at(0, 0..3)).await?;
    let mut reader = open(&source, &shard, StartAt::TrimHorizon).await?;
    assert_eq!(texts(&drain(&mut *reader).await?.0), numbered(0..3));

    tokio::time::sleep(Duration::from_millis(1_500)).await;
    stream.put_all(&at(0, 3..5)).await?;
    assert_eq!(texts(&drain(&mut *reader).await?.0), numbered(3..5));
    // The one at the tip had read nothing, and has missed nothing.
    assert_eq!(texts(&drain(&mut *fresh).await?.0), numbered(0..5));
    Ok(())
}

#[tokio::test]
async fn trimmed_records_are_told_before_those_that_follow() -> Result<()> {
    let server = Ferrokinesis::start()?;
    let stream = TestStream::create(server.url(), "trimmed", 1).await?;
    let shard = stream.shards().await?[0].id.clone();
    let first = stream.put("k", None, b"record 0").await?;
    stream.put_all(&at(0, 1..6)).await?;
    let source = stream.source();
    let checkpoint = Position::new(first.parse()?, 0);

    // The checkpointed record alone is enough to prove that nothing is missing.
    let mut reader = open(&source, &shard, StartAt::After(checkpoint.clone())).await?;
    assert_eq!(texts(&drain(&mut *reader).await?.0), numbered(1..6));

    trim(&server, "trimmed", 4).await;
    let mut reader = open(&source, &shard, StartAt::After(checkpoint.clone())).await?;
    let ReadEvent::Lost { from, to } = reader.next(ROOM).await? else { anyhow::bail!("no loss") };
    let (rest, _) = drain(&mut *reader).await?;
    assert_eq!(texts(&rest), numbered(4..6));
    assert_eq!((from, to), (Some(checkpoint.clone()), Some(rest[0].position.clone())));

    // An empty shard may have been idle: nothing is claimed.
    trim(&server, "trimmed", 2).await;
    let mut reader = open(&source, &shard, StartAt::After(checkpoint)).await?;
    assert!(drain(&mut *reader).await?.0.is_empty());
    Ok(())
}

#[tokio::test]
async fn an_end_is_proven_where_the_server_says_that_nothing_is_left() -> Result<()> {
    let (ferrokinesis, local) = (Ferrokinesis::start()?, KinesisLocal::shared()?);
    // The former counts the lag from the time at which the shard was closed, and names no children.
    for (url, expected) in [(ferrokinesis.url(), false), (local.url(), true)] {
        let stream = TestStream::create(url, "ended", 1).await?;
        let shard = stream.shards().await?.remove(0);
        stream.put_all(&at(0, 0..3)).await?;
        stream.split(&shard).await?;
        let mut reader = open(&stream.source(), &shard.id, StartAt::TrimHorizon).await?;
        let mut records = Vec::new();
        let proven = loop {
            match reader.next(ROOM).await? {
                ReadEvent::Batch(batch) => records.extend(batch.records),
                ReadEvent::End { proven, .. } => break proven,
                other => anyhow::bail!("{other:?}"),
            }
        };
        assert_eq!((texts(&records), proven), (numbered(0..3), expected), "{url}");
    }
    Ok(())
}

#[tokio::test]
async fn a_position_of_another_shard_is_refused() -> Result<()> {
    let server = Ferrokinesis::start()?;
    let stream = TestStream::create(server.url(), "foreign", 2).await?;
    let shards = stream.shards().await?;
    stream.put("k", Some(0), b"0").await?;
    let foreign = stream.put("k", Some(u128::MAX), b"1").await?;
    let start = StartAt::After(Position::new(foreign.parse()?, 0));
    let mut reader = open(&stream.source(), &shards[0].id, start).await?;
    let error = reader.next(ROOM).await.err().context("not refused")?;
    let said = std::error::Error::source(&error).context("no cause")?.to_string();
    assert!(said.contains("StartingSequenceNumber"), "{said}");
    Ok(())
}

#[tokio::test]
async fn encrypted_records_say_so() -> Result<()> {
    let server = KinesisLocal::shared()?;
    let stream = TestStream::create(server.url(), "encrypted", 1).await?;
    let shard = stream.shards().await?[0].id.clone();
    stream.put("k", None, b"in clear").await?;
    let start = stream.client.start_stream_encryption().stream_name(&stream.name);
    let kms = aws_sdk_kinesis::types::EncryptionType::Kms;
    start.encryption_type(kms).key_id("alias/aws/kinesis").send().await?;
    stream.settle().await?;
    stream.put("k", None, b"encrypted").await?;
    let mut reader = open(&stream.source(), &shard, StartAt::TrimHorizon).await?;
    let (records, _) = drain(&mut *reader).await?;
    let marks: Vec<_> = records.iter().map(|record| record.encryption).collect();
    assert_eq!(marks, [Encryption::None, Encryption::Kms]);
    Ok(())
}

/// The default configuration can be tested in a process of its own only.
#[tokio::test]
#[expect(clippy::print_stdout, reason = "this is how the child tells its parent")]
async fn the_environment_names_the_endpoint() -> Result<()> {
    const CHILD: &str = "KCL_TEST_DESCRIBE";
    const ITSELF: &str = "kinesis_source::one_server::the_environment_names_the_endpoint";
    if let Some(name) = std::env::var_os(CHILD) {
        let name = name.into_string().ok().context("no name")?;
        let description = KinesisSource::new(name)?.describe().await?;
        println!("found {}", description.key.name);
        return Ok(());
    }
    let server = Ferrokinesis::start()?;
    let stream = TestStream::create(server.url(), "by-environment", 1).await?;
    let nowhere = "http://127.0.0.1:1";
    let cases = [
        [("AWS_ENDPOINT_URL", server.url()), ("AWS_PROFILE", "default")],
        [("AWS_ENDPOINT_URL_KINESIS", server.url()), ("AWS_ENDPOINT_URL", nowhere)],
    ];
    for endpoints in cases {
        let output = Command::new(std::env::current_exe()?)
            .args(["--exact", ITSELF, "--nocapture"])
            .env_clear()
            .envs(endpoints)
            .env("AWS_ACCESS_KEY_ID", "test")
            .env("AWS_SECRET_ACCESS_KEY", "test")
            .env("AWS_REGION", "us-east-1")
            .env(CHILD, &stream.name)
            .output()?;
        let said = String::from_utf8_lossy(&output.stdout);
        ensure!(output.status.success() && said.contains("found by-environment"), "{said}");
    }
    Ok(())
}
