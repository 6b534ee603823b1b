//! How the records of a shard are come by.

mod polling;

pub(crate) use polling::{Polling, PollingReader};
