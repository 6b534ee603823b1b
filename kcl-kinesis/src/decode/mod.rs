//! From an answer to records: which of them are new, what is unpacked from KPL aggregates, what is
//! missing before them, and whether the shard has ended. However the answer was come by: nothing
//! here calls the service.

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
