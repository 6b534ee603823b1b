//! Creates, reshards and deletes a stream. Each change waits until Kinesis has made it, because
//! Kinesis refuses a second change meanwhile.

use std::time::Duration;

use anyhow::{Context, bail, ensure};
use aws_sdk_kinesis::{
    Client,
    config::http::HttpResponse,
    error::{ProvideErrorMetadata, SdkError},
    types::{ScalingType, StreamDescriptionSummary, StreamStatus},
};
use kcl_core::stream::{HashKey, Shard, StreamSource};
use kcl_kinesis::{KinesisSource, StreamName};

use crate::report;

/// The interval between two calls that check whether a change is made, and the most of these calls:
/// ten minutes without the time of the calls.
const LOOK: Duration = Duration::from_millis(200);
const LOOKS: u32 = 3_000;

/// For how many of these calls a new stream may be unknown to the service.
const LOOKS_UNKNOWN: u32 = 50;

/// A stream, with the clients that change it and read it.
#[derive(Clone)]
pub(super) struct Admin {
    pub(super) client: Client,
    pub(super) source: KinesisSource,
    pub(super) stream: StreamName,
}

impl Admin {
    /// Creates the stream, and waits until it is active.
    pub(super) async fn create(&self, shards: i32) -> anyhow::Result<()> {
        ensure!(shards >= 1, "--shards {shards}: a stream has at least 1 shard");
        let name = self.stream.short();
        let create = self.client.create_stream().stream_name(name).shard_count(shards);
        create.send().await.map_err(|error| self.failed("created", &error))?;
        // The call takes the name: an ARN may belong to another account, where nobody else can
        // create a stream.
        let made = Self { stream: name.parse()?, ..self.clone() };
        made.settle().await?;
        let made = made.summary().await?.map(|made| made.stream_arn);
        match (self.stream.arn(), made) {
            (Some(meant), Some(made)) if meant != made => bail!(
                "the stream was created as {made}, which is not {meant}: a stream is always made \
                 in the account of the credentials"
            ),
            _ => Ok(()),
        }
    }

    /// Deletes the stream, and waits until it is gone.
    pub(super) async fn delete(&self) -> anyhow::Result<()> {
        let delete = self.client.delete_stream().enforce_consumer_deletion(true);
        let delete = delete.set_stream_name(self.stream.name()).set_stream_arn(self.stream.arn());
        delete.send().await.map_err(|error| self.failed("deleted", &error))?;
        for _ in 0..LOOKS {
            if self.summary().await?.is_none() {
                return Ok(());
            }
            pause().await;
        }
        bail!("{} is still being deleted after {:?}", self.stream, LOOK * LOOKS)
    }

    /// Brings the stream to `to` open shards, in several steps if needed: Kinesis doubles or halves
    /// their number at most.
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
                .set_stream_name(self.stream.name())
                .set_stream_arn(self.stream.arn())
                .scaling_type(ScalingType::UniformScaling)
                .target_shard_count(step)
                .send()
                .await
                .map_err(|error| self.not_resharded(&error))?;
            self.settle().await?;
            let then = self.open_shards().await?;
            ensure!(then == step, "asked for {step} shards, {} has {then}", self.stream);
        }
    }

    /// Splits a shard at the hash key `at`; `None` means its middle.
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
        let split = self.client.split_shard().shard_to_split(shard);
        let split = split.set_stream_name(self.stream.name()).set_stream_arn(self.stream.arn());
        let split = split.new_starting_hash_key(at.to_string());
        split.send().await.map_err(|error| self.failed("split", &error))?;
        self.settle().await
    }

    /// Merges two adjacent shards.
    pub(super) async fn merge(&self, shard: &str, with: &str) -> anyhow::Result<()> {
        let merge = self.client.merge_shards();
        let merge = merge.set_stream_name(self.stream.name()).set_stream_arn(self.stream.arn());
        let merge = merge.shard_to_merge(shard).adjacent_shard_to_merge(with);
        merge.send().await.map_err(|error| self.failed("merged", &error))?;
        self.settle().await
    }

    /// Every shard that the stream lists, closed ones included.
    pub(super) async fn shards(&self) -> anyhow::Result<Vec<Shard>> {
        Ok(self.source.shards().await?)
    }

    /// The number of open shards.
    async fn open_shards(&self) -> anyhow::Result<i32> {
        Ok(self.summary().await?.with_context(|| self.unknown())?.open_shard_count)
    }

    /// The service's description of the stream; `None` if the stream does not exist.
    async fn summary(&self) -> anyhow::Result<Option<StreamDescriptionSummary>> {
        let summary = self.client.describe_stream_summary();
        let summary = summary.set_stream_name(self.stream.name()).set_stream_arn(self.stream.arn());
        match summary.send().await {
            Ok(answer) => answer.stream_description_summary.context("no description").map(Some),
            Err(error) if error.code() == Some("ResourceNotFoundException") => Ok(None),
            Err(error) => Err(self.failed("described", &error)),
        }
    }

    /// Waits until the stream is active.
    async fn settle(&self) -> anyhow::Result<()> {
        let mut unknown = 0;
        for _ in 0..LOOKS {
            match self.summary().await? {
                Some(summary) if summary.stream_status == StreamStatus::Active => return Ok(()),
                Some(_) => {}
                None => unknown += 1,
            }
            if unknown > LOOKS_UNKNOWN {
                bail!(self.unknown());
            }
            pause().await;
        }
        bail!("{} is still being changed after {:?}", self.stream, LOOK * LOOKS)
    }

    fn unknown(&self) -> String {
        format!("there is no stream {} in this region and account", self.stream)
    }

    /// The error of a call. `done` is the participle of the change, like `created`.
    fn failed<E>(&self, done: &str, error: &SdkError<E, HttpResponse>) -> anyhow::Error
    where
        E: ProvideErrorMetadata + std::error::Error + 'static,
    {
        anyhow::anyhow!(report::why(error))
            .context(format!("the stream {} cannot be {done}", self.stream))
    }

    /// The error of a reshard. It names other commands if the service lacks `UpdateShardCount`, as
    /// some emulators do.
    fn not_resharded<E>(&self, error: &SdkError<E, HttpResponse>) -> anyhow::Error
    where
        E: ProvideErrorMetadata + std::error::Error + 'static,
    {
        let failed = self.failed("resharded", error);
        if !report::is_unknown_operation(error) {
            return failed;
        }
        anyhow::anyhow!(
            "{failed} at once: {}. Split and merge single shards instead, with `kcl stream split` \
             and `kcl stream merge`",
            report::why(error)
        )
    }
}

#[expect(clippy::disallowed_methods, reason = "a person waits for the service, by its time")]
async fn pause() {
    tokio::time::sleep(LOOK).await;
}
