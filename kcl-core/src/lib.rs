//! Coordination of a fleet of workers that share the shards of a Kinesis stream.

pub mod assignment;
pub mod coordinator;
pub mod env;
pub mod lease;
pub mod lineage;
pub mod settings;
pub mod store;
pub mod stream;
