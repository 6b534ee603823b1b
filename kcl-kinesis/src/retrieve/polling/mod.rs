//! Reading a shard by polling: `GetShardIterator` once, then `GetRecords` repeatedly.

mod calls;
mod last_event;
mod pace;
mod proof;
mod quota;
mod reader;
mod settings;
mod sizing;
mod standstill;

use quota::Call;
pub(crate) use reader::PollingReader;
pub(crate) use settings::Polling;

#[cfg(test)]
mod tests;
