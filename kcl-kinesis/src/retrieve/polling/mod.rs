//! Reading a shard by polling: `GetShardIterator` once, then `GetRecords` repeatedly.
//!
//! | module | task |
//! |---|---|
//! | `reader` | the reader: fetches an answer, checks it, and delivers it as a batch |
//! | `calls` | sends the calls about one shard, each within the rate limits |
//! | `quota`, `pace` | the rate limits of a shard, which all readers of the source share |
//! | `sizing` | the number of records to request, and the expected size of an answer |
//! | `proof` | the checks for records that were trimmed before they were read |
//! | `last_event` | the check of the end of a shard against the list of shards |
//! | `standstill` | slows down and reports calls that make no progress |
//! | `settings` | the settings and limits that the readers share |

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
