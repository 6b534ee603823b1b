//! The traits that the author of a source implements for the suite: [`SourceFactory`] makes
//! streams, [`StreamBench`] puts records, splits, trims and breaks one of them.

use std::{error::Error, fmt, sync::Arc};

use async_trait::async_trait;
use bytes::Bytes;

use crate::{
    env::{Clock, Env},
    stream::{HashKey, Position, SequenceNumber, Shard, ShardId, StreamSource},
};

/// The result of an operation on the server. An error fails the case.
pub type Made<T> = Result<T, Box<dyn Error + Send + Sync>>;

/// Makes streams on the server under test.
#[async_trait]
pub trait SourceFactory: Send + Sync + 'static {
    /// The source's name in reports, such as `kinesis (kinesis-local)`.
    fn name(&self) -> String;

    /// The abilities that the server lacks; the default is none. The suite leaves out the cases
    /// that need them, and names these in [`Report::left_out`](super::super::Report::left_out).
    fn lacks(&self) -> Vec<Need> {
        Vec::new()
    }

    /// The clock by which the server acts; the default is the real one.
    fn clock(&self) -> Arc<dyn Clock> {
        Env::system().clock
    }

    /// Makes a stream with this number of shards, which divide the hash keys equally, and waits
    /// until it is active. The suite chooses names that no earlier run used: at most 40 characters
    /// of `a-z`, `0-9` and `-`.
    async fn create(&self, name: &str, shards: u32) -> Made<Box<dyn StreamBench>>;
}

/// The stream of one case, from the side of its producers and its operator. The suite never calls a
/// method that needs an ability in [`SourceFactory::lacks`].
#[async_trait]
pub trait StreamBench: Send + Sync {
    /// Makes a new source of the stream, without any cached answers.
    fn source(&self) -> Arc<dyn StreamSource>;

    /// Puts a record into the open shard that covers `hash`.
    async fn put(&self, hash: HashKey, key: &str, data: Bytes) -> Made<Position>;

    /// Puts the payloads as one KPL aggregate, in this order.
    async fn put_aggregate(&self, hash: HashKey, parts: Vec<Bytes>) -> Made<SequenceNumber>;

    /// Splits an open shard in the middle, and waits until the children are open.
    async fn split(&self, shard: &Shard) -> Made<()>;

    /// Merges two adjacent shards, and waits until the child is open.
    async fn merge(&self, one: &ShardId, other: &ShardId) -> Made<()>;

    /// Trims this number of the oldest records, as retention does. The stream has one shard.
    async fn trim(&self, oldest: usize) -> Made<()>;

    /// Deletes the stream, and waits until it is gone.
    async fn delete(&self) -> Made<()>;

    /// Makes the deleted stream again, with this number of shards.
    async fn create_again(&self, shards: u32) -> Made<()>;

    /// Makes the next `reads` reads of the stream, by any source, fail in this way.
    fn trouble(&self, trouble: Trouble, reads: u32);
}

/// An ability that some servers lack. Every server must be able to put, read, split and merge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Need {
    /// The source unpacks KPL aggregates.
    Aggregates,
    /// Records can be trimmed before their retention has passed.
    Trimming,
    /// A reader can start at a time.
    Times,
    /// A stream can be deleted and created again.
    Remaking,
    /// Reads can be made to fail in this way.
    Trouble(Trouble),
}

/// A fault of a read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Trouble {
    /// The service refuses the read because of its rate.
    Throttled,
    /// The service cannot answer now.
    Unavailable,
    /// The iterator has expired.
    Expired,
    /// The answer has no records and no next iterator, but a lag above zero. It looks like the end
    /// of a shard and does not prove one.
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
