//! What is wrong with a record that is no aggregate, though it starts like one.

/// The most keys and records together that an aggregate may hold. A real one is far from it (1 MiB
/// holds some ten thousand records); a hostile one of empty records would take gigabytes.
pub(super) const MAX_ENTRIES: usize = 1_000_000;

/// Why a record that starts like an aggregate is none. Shows nothing of the payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Damage {
    /// The digest is not that of the message.
    #[error("the digest does not match, or is cut off")]
    Digest,
    /// The message is no protobuf message.
    #[error("the message is not well formed")]
    Message,
    /// There are more entries than any producer writes.
    #[error("it holds more than {MAX_ENTRIES} keys and records")]
    Entries,
    /// A record lacks its data.
    #[error("a record in it is incomplete")]
    Record,
    /// There is no record in it.
    #[error("it holds no records")]
    Empty,
    /// A record names no partition key, or one that is not in the table.
    #[error("the partition key of a record in it is missing")]
    Key,
}
