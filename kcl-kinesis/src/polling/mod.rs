//! Reading a shard by polling: `GetShardIterator`, then `GetRecords` again and again.

mod answer;
mod calls;
mod complaints;
mod cursor;
mod end;
mod gap;
mod last_event;
mod pace;
mod quota;
mod reader;
mod sizing;
mod standstill;

pub(crate) use quota::{Call, Enforced, Quota};
pub(crate) use reader::PollingReader;

#[cfg(test)]
mod tests;
