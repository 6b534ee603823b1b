//! Aggregates of the Kinesis Producer Library (KPL): many user records packed into one.
//!
//! The format is four magic bytes, a protobuf message (`message.rs`), and the MD5 digest of that
//! message. It is described in the KPL's repository (`aggregation-format.md`).

mod aggregator;
mod damage;
mod message;
mod unpack;
mod wire;

pub use aggregator::{AddError, Aggregate, Aggregator};
pub use damage::Damage;
pub use unpack::unpack;

use md5::{Digest, Md5};

/// The first bytes of an aggregate.
const MAGIC: [u8; 4] = [0xF3, 0x89, 0x9A, 0xC2];

/// The length of the MD5 digest at the end of an aggregate.
const DIGEST: usize = 16;

/// The longest partition key, in characters (a limit of `PutRecord`).
const MAX_KEY_CHARS: usize = 256;

/// True if a payload starts like an aggregate.
pub(crate) fn is_aggregate(data: &[u8]) -> bool {
    data.starts_with(&MAGIC)
}

fn md5(bytes: &[u8]) -> [u8; DIGEST] {
    Md5::digest(bytes).into()
}

#[cfg(test)]
mod tests;
