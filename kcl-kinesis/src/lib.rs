//! Amazon Kinesis Data Streams as a source of the [Kinesis client library](kcl_core).
//!
//! [`KinesisSource`] reads the shards of one stream by polling, follows splits and merges, unpacks
//! aggregates of the Kinesis Producer Library ([`kpl`]), keeps to the service's rate limits, and
//! reports a loss when records were trimmed before they could be read.
//!
//! Every new connection resolves the host name again. If calls have been in flight for 5 s and none
//! has been answered, the source drops all its connections and opens new ones; otherwise every call
//! would have to time out on each dead connection in turn. The limit is half of the time-out of a
//! call if that is less than 5 s. The connections of an HTTP client that you supplied in the
//! configuration are never dropped.
//!
//! # Permissions
//! `kinesis:DescribeStreamSummary`, `kinesis:ListShards`, `kinesis:GetShardIterator` and
//! `kinesis:GetRecords` on the stream; `kms:Decrypt` on its key if it is encrypted.

mod builder;
mod decode;
mod discover;
mod retrieve;
mod service;
mod source;
mod stream_name;
#[cfg(test)]
mod testing;

pub use builder::{InvalidSettings, KinesisSourceBuilder};
pub use decode::kpl;
pub use source::KinesisSource;
pub use stream_name::{InvalidStreamName, StreamName};
