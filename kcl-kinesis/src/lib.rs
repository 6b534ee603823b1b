//! Amazon Kinesis Data Streams as a source of the [Kinesis client library](kcl_core).
//!
//! [`KinesisSource`] reads the shards of one stream by polling, follows splits and merges, unpacks
//! aggregates of the Kinesis Producer Library ([`kpl`]), keeps to the service's rate limits, and
//! says so when records were trimmed before they could be read.
//!
//! Each new connection looks the host up. Where calls are under way for 5 s without an answer to
//! any (or for half of what a call may take, if that is less), all connections are left and new
//! ones made, so that no call has to find out about each of them. Those of an HTTP client that came
//! with the configuration are left alone.
//!
//! # Rights
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
