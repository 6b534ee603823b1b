//! Changing a stream.

use std::time::Duration;

use anyhow::{Context, bail, ensure};
use aws_sdk_kinesis::{
    Client,
    error::{ProvideErrorMetadata, SdkError},
    types::{ScalingType, StreamStatus},
};
use kcl_core::stream::{HashKey, Shard, StreamSource};
use kcl_kinesis::KinesisSource;

use crate::report;

/// How often a change is looked at, and for how long.
const LOOK: Duration = Duration::from_millis(200);
const LOOKS: u32 = 3_000;

/// A stream and those who change and read it.
pub(super) struct Admin {
    pub(super) client: Client,
    pub(super) source: KinesisSource,
    pub(super) stream: String,
}

impl Admin {
    /// Creates the stream, and waits until it is active.
    pub(super) async fn create(&self, shards: i32) -> anyhow::Result<()> {
        ensure!(shards >= 1, "--shards {shards}: a stream has at least 1 shard");
        let create = self.client.create_stream().stream_name(&self.stream).shard_count(shards);
        create.send().await.map_err(|error| self.failed("created", &error))?;
        self.settle().await
    }

    /// Deletes the stream, and waits until it is gone.
    pub(super) async fn delete(&self) -> anyhow::Result<()> {
        let delete = self.client.delete_stream().stream_name(&self.stream);
        let delete = delete.enforce_consumer_deletion(true);
        delete.send().await.map_err(|error| self.failed("deleted", &error))?;
        for _ in 0..LOOKS {
            if self.status().await?.is_none() {
                return Ok(());
            }
            pause().await;
        }
        bail!("{} is still being deleted after {:?}", self.stream, LOOK * LOOKS)
    }

    /// Brings the stream to `to` open shards. Kinesis at most doubles or halves at once.
    pub(super) async fn reshard(&self, to: i32) -> anyhow::Result<()> {
        ensure!(to >= 1, "--to {to}: a stream has at least 1 shard");
        loop {
            let now = self.open_shards().await?;
            if now == to {
                return Ok(());
            }
            let step = to.clamp((now + 1) / 2, now.saturating_mul(2));
            self.client
                .update_shard_count()
                .stream_name(&self.stream)
                .scaling_type(ScalingType::UniformScaling)
                .target_shard_count(step)
                .send()
                .await
                .map_err(|error| self.failed("resharded", &error))?;
            self.settle().await?;
            let then = self.open_shards().await?;
            ensure!(then == step, "asked for {step} shards, {} has {then}", self.stream);
        }
    }

    /// Splits a shard, in the middle unless told where.
    pub(super) async fn split(&self, shard: &str, at: Option<HashKey>) -> anyhow::Result<()> {
        let at = match at {
            Some(at) => at,
            None => {
                let shards = self.shards().await?;
                let found = shards.into_iter().find(|it| it.id.as_str() == shard);
                let range = found.and_then(|it| it.range).with_context(|| {
                    format!("{} lists no shard {shard}: see `kcl stream describe`", self.stream)
                })?;
                range.halves().context("the shard has one hash key and cannot be split")?.1.start
            }
        };
        let split = self.client.split_shard().stream_name(&self.stream).shard_to_split(shard);
        let split = split.new_starting_hash_key(at.to_string());
        split.send().await.map_err(|error| self.failed("split", &error))?;
        self.settle().await
    }

    /// Merges two adjacent shards.
    pub(super) async fn merge(&self, shard: &str, with: &str) -> anyhow::Result<()> {
        let merge = self.client.merge_shards().stream_name(&self.stream);
        let merge = merge.shard_to_merge(shard).adjacent_shard_to_merge(with);
        merge.send().await.map_err(|error| self.failed("merged", &error))?;
        self.settle().await
    }

    /// Every shard that is listed.
    pub(super) async fn shards(&self) -> anyhow::Result<Vec<Shard>> {
        Ok(self.source.shards().await?)
    }

    async fn open_shards(&self) -> anyhow::Result<i32> {
        let summary = self.client.describe_stream_summary().stream_name(&self.stream);
        let summary = summary.send().await.map_err(|error| self.failed("described", &error))?;
        Ok(summary.stream_description_summary.context("no description")?.open_shard_count)
    }

    /// The stream's status; `None` if there is no such stream.
    async fn status(&self) -> anyhow::Result<Option<StreamStatus>> {
        let summary = self.client.describe_stream_summary().stream_name(&self.stream);
        match summary.send().await {
            Ok(answer) => Ok(answer.stream_description_summary.map(|it| it.stream_status)),
            Err(error) if error.code() == Some("ResourceNotFoundException") => Ok(None),
            Err(error) => Err(self.failed("described", &error)),
        }
    }

    /// Waits until nothing is being changed.
    async fn settle(&self) -> anyhow::Result<()> {
        for _ in 0..LOOKS {
            if self.status().await? == Some(StreamStatus::Active) {
                return Ok(());
            }
            pause().await;
        }
        bail!("{} is still being changed after {:?}", self.stream, LOOK * LOOKS)
    }

    fn failed<E, R>(&self, done: &str, error: &SdkError<E, R>) -> anyhow::Error
    where
        E: std::error::Error + 'static,
        R: std::fmt::Debug,
    {
        anyhow::anyhow!(report::why(error))
            .context(format!("the stream {} cannot be {done}", self.stream))
    }
}

#[expect(clippy::disallowed_methods, reason = "a person waits for the service, by its time")]
async fn pause() {
    tokio::time::sleep(LOOK).await;
}
