//! What is there to read: the stream and its life, its shards, where they lie.

mod listing;
mod registry;
mod stream;

pub(crate) use stream::Stream;
