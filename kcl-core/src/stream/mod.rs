//! The contract of a stream source, and the types that it returns: shards, records, positions.
//!
//! - [`StreamSource`] describes one stream, lists its shards, and opens readers.
//! - [`ShardReader`] reads one shard in order. Each call returns a [`ReadEvent`]: a [`Batch`] of
//!   [`Record`]s, a proven loss, a standstill, or the end of the shard.
//! - [`Position`] says where a record is in its shard. It extends the Kinesis [`SequenceNumber`] by
//!   the index of a record inside a KPL aggregate.
//! - [`StreamKey`] names one life of a stream: its name and its creation time.
//!
//! A source knows nothing of leases, checkpoints and other workers. The feature `conformance` has
//! a suite that tests a source: `kcl_core::conformance::sources`.

mod error;
mod hash_range;
mod name;
mod position;
mod record;
mod shard;
mod source;
mod sources;
mod start;

pub use error::{SourceError, SourceErrorKind, SourceResult};
pub use hash_range::{HashKey, HashRange};
pub use name::{InvalidStreamName, StreamName};
pub use position::{InvalidPosition, InvalidSequenceNumber, Position, SequenceNumber};
pub use record::{Batch, Encryption, KplMark, Record};
pub use shard::{InvalidShardId, Shard, ShardId, StreamDescription, StreamKey};
pub use source::{ByteLimit, ReadEvent, ShardReader, StreamSource};
pub(crate) use sources::Sources;
pub use start::StartAt;
