//! The table of instruments: everything that a worker tells in figures, once.
//!
//! Labels are few: all have `application`; what is about a stream `stream`, too; what is about a
//! shard also `shard`, and only while that is read here. Whoever scrapes adds the instance. What
//! has to be remembered when a shard moves on is counted by stream.

mod kinds;
mod rows;

pub use kinds::{Kind, Label, Unit};
pub use rows::{Id, Instrument, TABLE};

pub(crate) use kinds::Scope;
