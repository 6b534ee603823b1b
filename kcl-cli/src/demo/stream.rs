//! Creates the demo's stream, splits its shards, and opens it for workers: all over the Kinesis
//! API.

use std::{fmt, time::Duration};

use anyhow::{Context, Result, bail};
use aws_sdk_kinesis::{
    Client,
    config::{BehaviorVersion, Credentials, Region, retry::RetryConfig, timeout::TimeoutConfig},
    types::StreamStatus,
};
use kcl_core::{
    env::Env,
    stream::{Shard, ShardId, StreamSource},
};
use kcl_kinesis::KinesisSource;

use super::facts::Split;

/// The stream's name.
pub(super) const NAME: &str = "demo";

/// The interval at which an idle shard is read. It is short enough for a lively picture, and long
/// enough for thirty shards and their server on two busy cores.
const IDLE_POLL: Duration = Duration::from_millis(500);

/// The stream of the demo.
#[derive(Clone)]
pub(super) struct DemoStream {
    client: Client,
    url: String,
    env: Env,
}

impl DemoStream {
    /// Creates the stream on the server at `url`, and waits until it is active.
    ///
    /// # Errors
    /// The server fails.
    pub(super) async fn create(url: &str, shards: i32, env: Env) -> Result<Self> {
        let http = aws_smithy_http_client::Builder::new().build_http();
        let client = Client::from_conf(config(url).http_client(http).build());
        let stream = Self { client, url: url.to_owned(), env };
        stream.client.create_stream().stream_name(NAME).shard_count(shards).send().await?;
        stream.settle().await?;
        Ok(stream)
    }

    /// The client of the stream. It makes no retries.
    pub(super) const fn client(&self) -> &Client {
        &self.client
    }

    /// A source that reads the stream, with connections of its own.
    ///
    /// # Errors
    /// A setting is invalid. They are constants, so this does not happen.
    pub(super) fn source(&self) -> Result<KinesisSource> {
        let builder = KinesisSource::builder(NAME).client_config(config(&self.url));
        Ok(builder.idle_poll(IDLE_POLL).build()?)
    }

    /// The shards that take records.
    ///
    /// # Errors
    /// The server's.
    pub(super) async fn open_shards(&self) -> Result<Vec<Shard>> {
        let shards = self.source()?.shards().await?;
        Ok(shards.into_iter().filter(|shard| !shard.closed).collect())
    }

    /// Splits each of these shards in the middle.
    ///
    /// # Errors
    /// The server's.
    pub(super) async fn split(&self, parents: &[Shard]) -> Result<Vec<Split>> {
        for parent in parents {
            let halves = parent.range.and_then(|range| range.halves());
            let (_, upper) = halves.with_context(|| format!("{} cannot be split", parent.id))?;
            let split = self.client.split_shard().stream_name(NAME);
            let split = split.shard_to_split(parent.id.as_str());
            split.new_starting_hash_key(upper.start.to_string()).send().await?;
            self.settle().await?;
        }
        let open = self.open_shards().await?;
        let children = |parent: &ShardId| {
            let children = open.iter().filter(|shard| shard.parents.contains(parent));
            children.map(|shard| shard.id.clone()).collect()
        };
        let splits = parents
            .iter()
            .map(|parent| Split { parent: parent.id.clone(), children: children(&parent.id) });
        Ok(splits.collect())
    }

    /// Waits until the stream is active, after a change.
    async fn settle(&self) -> Result<()> {
        for _ in 0..1_000 {
            let describe = self.client.describe_stream_summary().stream_name(NAME);
            let summary = describe.send().await?.stream_description_summary;
            if summary.is_some_and(|summary| summary.stream_status == StreamStatus::Active) {
                return Ok(());
            }
            self.env.clock.sleep(Duration::from_millis(5)).await;
        }
        bail!("the demo's stream is not active after 5 s");
    }
}

impl fmt::Debug for DemoStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DemoStream").field("url", &self.url).finish_non_exhaustive()
    }
}

/// A configuration with invented keys: the server in this process checks none.
fn config(url: &str) -> aws_sdk_kinesis::config::Builder {
    let timeouts = TimeoutConfig::builder().operation_attempt_timeout(Duration::from_secs(10));
    aws_sdk_kinesis::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .endpoint_url(url)
        .region(Region::new("us-east-1"))
        .credentials_provider(Credentials::new("demo", "demo", None, None, "demo"))
        .retry_config(RetryConfig::disabled())
        .timeout_config(timeouts.build())
}
