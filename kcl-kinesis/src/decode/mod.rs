//! Decoding the answers of `GetRecords`: selecting the new records, unpacking KPL aggregates,
//! detecting missing records and the end of the shard. Nothing here calls the service.
//!
//! | module | task |
//! |---|---|
//! | `answer` | parses an answer |
//! | `cursor` | the reader's position, and the records that were delivered before |
//! | `gap` | decides which check shows that no record is missing before an answer |
//! | `end` | decides whether the shard has ended |
//! | `unpacking`, `kpl`, `warnings` | unpack KPL aggregates, and log damaged ones |

mod answer;
mod cursor;
mod end;
mod gap;
pub mod kpl;
mod unpacking;
mod warnings;

pub(crate) use answer::{Answer, Asked, Next, Raw};
pub(crate) use cursor::Cursor;
pub(crate) use end::{End, Ending};
pub(crate) use gap::{Doubt, doubt, is_before, lost, safe_age};
pub(crate) use unpacking::Unpacker;
