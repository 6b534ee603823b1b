//! What a stream in memory is like, and what goes wrong with it.

use std::{sync::Arc, time::Duration};

use kcl_core::{
    env::Env,
    stream::{ShardId, SourceErrorKind},
};

/// What a stream in memory is like. Start from [`StreamOptions::new`] and change fields.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct StreamOptions {
    /// Its name.
    pub name: String,
    /// How many shards it starts with, each with an equal part of the hash keys.
    pub shards: u32,
    /// How long records, and shards after they closed, are kept.
    pub retention: Duration,
    /// How long a reader waits at the tip before it answers with nothing.
    pub poll_interval: Duration,
    /// Each call takes up to this long, drawn from the environment's entropy.
    pub latency: Duration,
    /// How many reads a second a shard serves, all of its readers together; readers keep to it by
    /// waiting. `None`: no limit.
    pub reads_per_second: Option<u32>,
    /// The most records of one answer.
    pub batch_limit: usize,
    /// Whether the end of a shard comes with its children, or they have to be listed: servers do
    /// either.
    pub reports_children: bool,
    /// Whether trimmed records stay in memory, so that [`super::MemoryStream::history`] can tell
    /// everything ever put. For a process that runs for long: no.
    pub remembers: bool,
    /// Clock and entropy.
    pub env: Env,
}

impl StreamOptions {
    /// A stream called `name` of one shard, with no latency and no limits, kept for a day.
    #[must_use]
    pub fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            shards: 1,
            retention: Duration::from_secs(24 * 3600),
            poll_interval: Duration::from_secs(1),
            latency: Duration::ZERO,
            reads_per_second: None,
            batch_limit: 10_000,
            reports_children: true,
            remembers: true,
            env: Env::system(),
        }
    }
}

/// An operation of a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum StreamOp {
    /// [`kcl_core::stream::StreamSource::describe`].
    Describe,
    /// [`kcl_core::stream::StreamSource::prepare`].
    Prepare,
    /// [`kcl_core::stream::StreamSource::shards`].
    Shards,
    /// [`kcl_core::stream::StreamSource::open`].
    Open,
    /// [`kcl_core::stream::ShardReader::next`].
    Read,
    /// [`kcl_core::stream::ShardReader::close`]: it cannot fail, but may take its time.
    Close,
}

impl StreamOp {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Describe => "DescribeStreamSummary",
            Self::Prepare => "Prepare",
            Self::Shards => "ListShards",
            Self::Open => "GetShardIterator",
            Self::Read => "GetRecords",
            Self::Close => "Close",
        }
    }
}

/// A call on a stream.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct StreamCall {
    /// What is called.
    pub op: StreamOp,
    /// The shard it is about.
    pub shard: Option<ShardId>,
}

/// Decides which calls fail: those for which it gives a kind. Called once a call, before the call
/// does anything.
pub type StreamFaults = Arc<dyn Fn(&StreamCall) -> Option<SourceErrorKind> + Send + Sync>;
