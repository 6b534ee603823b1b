//! Streams for tests, on any server with the Kinesis API.

use std::{fmt, time::Duration};

use anyhow::{Context, Result, ensure};
use aws_sdk_kinesis::{
    Client,
    config::{BehaviorVersion, Credentials, Region},
    primitives::Blob,
    types::{PutRecordsRequestEntry, StreamStatus},
};
use kcl_core::stream::{HashKey, Shard, ShardId, StreamSource};
use kcl_kinesis::{KinesisSource, KinesisSourceBuilder};

/// A stream that belongs to one test.
pub struct TestStream {
    /// The client for the server.
    pub client: Client,
    /// The stream's name.
    pub name: String,
    url: String,
}

impl TestStream {
    /// Makes a stream, and waits until it is active.
    ///
    /// # Errors
    /// The server reports an error.
    pub async fn create(url: &str, name: &str, shards: i32) -> Result<Self> {
        let stream = Self::named(url, name);
        stream.client.create_stream().stream_name(name).shard_count(shards).send().await?;
        stream.settle().await?;
        Ok(stream)
    }

    /// A stream of this name, which may or may not exist. It makes no call.
    #[must_use]
    pub fn named(url: &str, name: &str) -> Self {
        let http = aws_smithy_http_client::Builder::new().build_http();
        let client = Client::from_conf(config(url).http_client(http).build());
        Self { client, name: name.to_owned(), url: url.to_owned() }
    }

    /// A builder of a source that reads the stream.
    pub fn source_builder(&self) -> KinesisSourceBuilder {
        KinesisSource::builder(&self.name).client_config(config(&self.url))
    }

    /// A source that reads the stream, an idle shard every 200 ms.
    #[must_use]
    pub fn source(&self) -> KinesisSource {
        let built = self.source_builder().idle_poll(Duration::from_millis(200)).build();
        built.unwrap_or_else(|invalid| unreachable!("{invalid}"))
    }

    /// The shards that the stream lists, closed ones included.
    ///
    /// # Errors
    /// The source fails.
    pub async fn shards(&self) -> Result<Vec<Shard>> {
        Ok(self.source().shards().await?)
    }

    /// Puts one record, and returns its sequence number. `hash` overrides the hash of the key.
    ///
    /// # Errors
    /// The server reports an error.
    pub async fn put(&self, key: &str, hash: Option<HashKey>, data: &[u8]) -> Result<String> {
        let put = self.client.put_record().stream_name(&self.name).partition_key(key);
        let put = put.set_explicit_hash_key(hash.map(|hash| hash.to_string()));
        Ok(put.data(Blob::new(data)).send().await?.sequence_number)
    }

    /// Puts one record for each text, in order, into the shard of its hash key.
    ///
    /// # Errors
    /// The server reports an error.
    pub async fn put_all(&self, records: &[(HashKey, String)]) -> Result<()> {
        for records in records.chunks(500) {
            let entry = |(hash, text): &(HashKey, String)| {
                PutRecordsRequestEntry::builder()
                    .partition_key("key")
                    .explicit_hash_key(hash.to_string())
                    .data(Blob::new(text.as_bytes()))
                    .build()
            };
            let entries = records.iter().map(entry).collect::<Result<Vec<_>, _>>()?;
            let put = self.client.put_records().stream_name(&self.name);
            let answer = put.set_records(Some(entries)).send().await?;
            ensure!(answer.failed_record_count.unwrap_or(0) == 0, "some records were refused");
        }
        Ok(())
    }

    /// Splits a shard in the middle.
    ///
    /// # Errors
    /// The server reports an error.
    pub async fn split(&self, shard: &Shard) -> Result<()> {
        let (_, upper) =
            shard.range.and_then(|range| range.halves()).context("nothing to split")?;
        let split = self.client.split_shard().stream_name(&self.name);
        let split = split.shard_to_split(shard.id.as_str());
        split.new_starting_hash_key(upper.start.to_string()).send().await?;
        self.settle().await
    }

    /// Merges two adjacent shards.
    ///
    /// # Errors
    /// The server reports an error.
    pub async fn merge(&self, lower: &ShardId, upper: &ShardId) -> Result<()> {
        let merge = self.client.merge_shards().stream_name(&self.name);
        let merge = merge.shard_to_merge(lower.as_str());
        merge.adjacent_shard_to_merge(upper.as_str()).send().await?;
        self.settle().await
    }

    /// Deletes the stream, and waits until it is gone.
    ///
    /// # Errors
    /// The server's, or it takes longer than a minute.
    #[expect(clippy::disallowed_methods, reason = "the server keeps to the machine's clock")]
    pub async fn delete(&self) -> Result<()> {
        self.client.delete_stream().stream_name(&self.name).send().await?;
        for _ in 0..6_000 {
            let describe = self.client.describe_stream_summary().stream_name(&self.name);
            match describe.send().await {
                Ok(_) => tokio::time::sleep(Duration::from_millis(10)).await,
                Err(error) => {
                    let error = error.into_service_error();
                    ensure!(error.is_resource_not_found_exception(), error);
                    return Ok(());
                }
            }
        }
        anyhow::bail!("the stream {} is not deleted", self.name)
    }

    /// Waits until the stream is active, for example after a split.
    ///
    /// # Errors
    /// The server's, or it takes longer than a minute.
    #[expect(clippy::disallowed_methods, reason = "the server keeps to the machine's clock")]
    pub async fn settle(&self) -> Result<()> {
        for _ in 0..6_000 {
            let describe = self.client.describe_stream_summary().stream_name(&self.name);
            let summary = describe.send().await?.stream_description_summary;
            if summary.context("no summary")?.stream_status == StreamStatus::Active {
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        anyhow::bail!("the stream {} does not settle", self.name)
    }
}

impl fmt::Debug for TestStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TestStream").field("name", &self.name).finish_non_exhaustive()
    }
}

/// A configuration for the server at `url`, with invented credentials: test servers check none.
#[must_use]
pub fn config(url: &str) -> aws_sdk_kinesis::config::Builder {
    aws_sdk_kinesis::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .endpoint_url(url)
        .region(Region::new("us-east-1"))
        .credentials_provider(Credentials::new("test", "test", None, None, "test"))
}
