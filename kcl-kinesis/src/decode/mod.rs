//! Decoding the answers of `GetRecords`: selecting the new records, unpacking KPL aggregates,
//! detecting missing records and the end of the shard. Nothing here calls the service.

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
