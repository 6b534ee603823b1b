//! Streams and their shards.

use std::{fmt, str::FromStr, sync::Arc, time::Duration};

use super::{HashRange, SequenceNumber, StreamName};
use crate::env::WallTime;

/// The id of a shard, unique in its stream, like `shardId-000000000007`. It has 1 to 128 of the
/// characters `a-z A-Z 0-9 _ . -`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ShardId(Arc<str>);

impl ShardId {
    /// The longest id, in bytes: the limit of Kinesis.
    pub const MAX_LENGTH: usize = 128;

    /// The id as text.
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

/// The text is no valid [`ShardId`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no shard id: expected 1 to 128 of the characters a-z A-Z 0-9 _ . -")]
pub struct InvalidShardId(String);

/// One life of a stream. A stream that is deleted and created again has the same name and another
/// creation time. Its text form is `NAME/CREATED`, with the time in milliseconds since 1970.
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

/// A source's description of its stream.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct StreamDescription {
    /// The full name. An application reads the stream of one full name at a time.
    pub name: StreamName,
    /// The plain name, which lease keys contain, and the creation time.
    pub key: StreamKey,
    /// How long the stream keeps records.
    pub retention: Duration,
    /// The time on the service's own clock when it answered, and never later than the moment when
    /// the answer arrived. The initial position `Latest` is frozen to it.
    pub server_time: WallTime,
}

impl StreamDescription {
    /// Makes a description.
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
    /// The shard's id.
    pub id: ShardId,
    /// The parent shards: none, one after a split, two after a merge. A parent may be a shard that
    /// the stream lists no more.
    pub parents: Vec<ShardId>,
    /// The hash keys that the shard covers. `None` if the source has no hash keys.
    pub range: Option<HashRange>,
    /// The first sequence number of the shard's range; `None` if unknown.
    pub starting: Option<SequenceNumber>,
    /// Whether the shard takes no more records because it was split or merged.
    pub closed: bool,
}

impl Shard {
    /// Makes an open shard without parents and without a range.
    #[must_use]
    pub const fn new(id: ShardId) -> Self {
        Self { id, parents: Vec::new(), range: None, starting: None, closed: false }
    }

    /// Makes an open shard without parents.
    #[must_use]
    pub const fn open(id: ShardId, range: HashRange) -> Self {
        Self { id, parents: Vec::new(), range: Some(range), starting: None, closed: false }
    }
}
