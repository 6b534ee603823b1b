//! What the author of a source hands to the suite.

use std::{error::Error, fmt, sync::Arc};

use async_trait::async_trait;
use bytes::Bytes;

use crate::{
    env::{Clock, Env},
    stream::{HashKey, Position, SequenceNumber, Shard, ShardId, StreamSource},
};

/// What came of something that was done to a stream. An error fails the case.
pub type Made<T> = Result<T, Box<dyn Error + Send + Sync>>;

/// Makes streams on the server under test.
#[async_trait]
pub trait SourceFactory: Send + Sync + 'static {
    /// What the source is called in reports, like `kinesis (kinesis-local)`.
    fn name(&self) -> String;

    /// What the server cannot be made to do: cases that need it are left out, and reported so.
    fn lacks(&self) -> Vec<Need> {
        Vec::new()
    }

    /// The clock that the server keeps to.
    fn clock(&self) -> Arc<dyn Clock> {
        Env::system().clock
    }

    /// Makes a stream of so many shards with equal parts of the hash keys, and waits until it is
    /// there. The suite makes names up that no earlier run used: up to 40 of `a-z 0-9 -`.
    async fn create(&self, name: &str, shards: u32) -> Made<Box<dyn StreamBench>>;
}

/// A stream of one case, as its producers and its operator have it. What the factory lacks is never
/// called.
#[async_trait]
pub trait StreamBench: Send + Sync {
    /// A source that reads the stream, and knows nothing of it yet.
    fn source(&self) -> Arc<dyn StreamSource>;

    /// Puts a record into the open shard that covers `hash`.
    async fn put(&self, hash: HashKey, key: &str, data: Bytes) -> Made<Position>;

    /// Puts these payloads as one KPL aggregate.
    async fn put_aggregate(&self, hash: HashKey, parts: Vec<Bytes>) -> Made<SequenceNumber>;

    /// Splits an open shard in the middle, and waits until that is done.
    async fn split(&self, shard: &Shard) -> Made<()>;

    /// Merges two adjacent shards, and waits until that is done.
    async fn merge(&self, one: &ShardId, other: &ShardId) -> Made<()>;

    /// Trims the oldest so many records, as retention does. The stream has one shard.
    async fn trim(&self, oldest: usize) -> Made<()>;

    /// Deletes the stream, and waits until it is gone.
    async fn delete(&self) -> Made<()>;

    /// Makes the stream again, which is gone, with so many shards.
    async fn create_again(&self, shards: u32) -> Made<()>;

    /// Answers the next so many reads of all sources of the stream in this way.
    fn trouble(&self, trouble: Trouble, reads: u32);
}

/// What a case needs beyond putting, reading, splitting and merging.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Need {
    /// KPL aggregates.
    Aggregates,
    /// Records that are gone, as after their retention.
    Trimming,
    /// Reading from a time.
    Times,
    /// A stream that is deleted, and made again.
    Remaking,
    /// This kind of trouble.
    Trouble(Trouble),
}

/// How a read is answered that goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Trouble {
    /// It is refused for its rate.
    Throttled,
    /// The service cannot answer now.
    Unavailable,
    /// The iterator has expired.
    Expired,
    /// The answer has no records, no way on, and a lag: it shows neither the end nor anything else.
    Blank,
}

impl fmt::Display for Need {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Aggregates => "no aggregates",
            Self::Trimming => "no trimming",
            Self::Times => "no reading from a time",
            Self::Remaking => "no stream is made again",
            Self::Trouble(Trouble::Throttled) => "no read is throttled",
            Self::Trouble(Trouble::Unavailable) => "no read is without answer",
            Self::Trouble(Trouble::Expired) => "no iterator expires",
            Self::Trouble(Trouble::Blank) => "no answer is blank",
        })
    }
}
