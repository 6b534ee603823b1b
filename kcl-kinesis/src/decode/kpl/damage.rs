//! [`Damage`]: the error of unpacking an aggregate.

/// The largest number of keys and records together in an aggregate. Real aggregates are far below
/// it (1 MiB holds about ten thousand records). Without it, a malicious aggregate of empty records
/// would need gigabytes of memory.
pub(super) const MAX_ENTRIES: usize = 1_000_000;

/// The reason why a record that starts like an aggregate cannot be unpacked. Its message contains
/// nothing of the payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Damage {
    /// The digest does not match the message.
    #[error("the digest does not match, or is cut off")]
    Digest,
    /// The message is not valid protobuf.
    #[error("the message is not well formed")]
    Message,
    /// It has more keys and records than any producer writes.
    #[error("it holds more than {MAX_ENTRIES} keys and records")]
    Entries,
    /// A record has no data.
    #[error("a record in it is incomplete")]
    Record,
    /// It has no records.
    #[error("it holds no records")]
    Empty,
    /// A record has no partition key, or the index of one that is not in the table.
    #[error("the partition key of a record in it is missing")]
    Key,
}
