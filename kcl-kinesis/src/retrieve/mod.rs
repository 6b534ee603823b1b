//! Reading the records of a shard.

mod polling;

pub(crate) use polling::{Polling, PollingReader};
