//! The description of the stream and the list of its shards.

mod listing;
mod registry;
mod stream;

pub(crate) use stream::Stream;
