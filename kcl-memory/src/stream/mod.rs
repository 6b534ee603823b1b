//! The stream in memory.

mod bucket;
mod key;
mod life;
mod log;
mod memory;
mod options;
mod producer;
mod reader;
mod readers;
mod source;

pub use key::hash_of;
pub use life::ShardHistory;
pub use memory::MemoryStream;
pub use options::{StreamCall, StreamFaults, StreamOp, StreamOptions};
pub use producer::Put;
pub use readers::ReaderCounts;

#[cfg(test)]
mod tests;
