//! Streams and their shards.

use std::{fmt, str::FromStr, sync::Arc, time::Duration};

use super::{HashRange, SequenceNumber, StreamName};
use crate::env::WallTime;

/// A shard's name, unique within its stream, like `shardId-000000000007`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ShardId(Arc<str>);

impl ShardId {
    /// The longest name Kinesis allows.
    pub const MAX_LENGTH: usize = 128;

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for ShardId {
    type Err = InvalidShardId;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b'-');
        if text.is_empty() || text.len() > Self::MAX_LENGTH || !text.bytes().all(allowed) {
            return Err(InvalidShardId(text.chars().take(Self::MAX_LENGTH + 1).collect()));
        }
        Ok(Self(text.into()))
    }
}

impl TryFrom<String> for ShardId {
    type Error = InvalidShardId;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<ShardId> for String {
    fn from(id: ShardId) -> Self {
        id.as_str().to_owned()
    }
}

impl fmt::Display for ShardId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for ShardId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A text that is no shard id.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no shard id: expected 1 to 128 of the characters a-z A-Z 0-9 _ . -")]
pub struct InvalidShardId(String);

/// Which stream, in which life: a stream deleted and made again under its old name is another one.
#[derive(
    Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
)]
#[non_exhaustive]
pub struct StreamKey {
    /// The stream's name: up to 128 of `a-z A-Z 0-9 _ . -`.
    pub name: Arc<str>,
    /// When the stream was created.
    pub created: WallTime,
}

impl StreamKey {
    /// The stream called `name` that was created at `created`.
    #[must_use]
    pub fn new(name: &str, created: WallTime) -> Self {
        Self { name: name.into(), created }
    }
}

impl fmt::Display for StreamKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.name, self.created.as_millis())
    }
}

/// What a source says of its stream.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct StreamDescription {
    /// Its name in full: an application reads the stream of one such name at a time.
    pub name: StreamName,
    /// The name that leases carry, and the creation time.
    pub key: StreamKey,
    /// How long records are kept.
    pub retention: Duration,
    /// The stream service's own clock when it answered, never ahead of the moment the answer
    /// arrived: `Latest` is frozen to it.
    pub server_time: WallTime,
}

impl StreamDescription {
    /// The stream of this name, in this life.
    #[must_use]
    pub const fn new(
        name: StreamName,
        key: StreamKey,
        retention: Duration,
        server_time: WallTime,
    ) -> Self {
        Self { name, key, retention, server_time }
    }
}

/// A shard as the stream lists it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Shard {
    /// The shard's name.
    pub id: ShardId,
    /// The shards it came from: none, one (split) or two (merge). Parents that the stream no longer
    /// lists may still be named.
    pub parents: Vec<ShardId>,
    /// The hash keys it covers; `None` where the source has no such thing.
    pub range: Option<HashRange>,
    /// The sequence number it starts at, where known.
    pub starting: Option<SequenceNumber>,
    /// Whether it takes no more records: it was split or merged.
    pub closed: bool,
}

impl Shard {
    /// An open shard of which no more is known.
    #[must_use]
    pub const fn new(id: ShardId) -> Self {
        Self { id, parents: Vec::new(), range: None, starting: None, closed: false }
    }

    /// An open shard without parents.
    #[must_use]
    pub const fn open(id: ShardId, range: HashRange) -> Self {
        Self { id, parents: Vec::new(), range: Some(range), starting: None, closed: false }
    }
}
