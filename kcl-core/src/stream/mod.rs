//! What is read: shards, records, positions, and the trait a source implements.

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
