//! Makes of a reading what the page shows: a head with single values, and five tables. Pure.
//!
//! ```text
//! Facts, Verdict, Progress, History ──► Look ──► Model { head, tables } ──► Delta to the next
//! ```
//!
//! | part | its question |
//! |---|---|
//! | `look` | what is a model made from? |
//! | `table` | what is a model? |
//! | `delta` | what changed between two models? |
//! | `head` | how is the application as a whole? |
//! | `shards`, `workers`, `findings`, `moves`, `failures` | which rows are in each table? |
//! | `marks` | which marks of the operator has a shard or a worker? |
//! | `history` | which leases changed hands between readings? |
//!
//! The columns of each table are a constant in its file; the page's scripts use their names.

mod delta;
mod failures;
mod findings;
mod head;
mod history;
mod look;
mod marks;
mod moves;
mod shards;
mod table;
#[cfg(test)]
mod tests;
mod workers;

pub(crate) use self::{
    delta::Delta,
    history::History,
    look::{Look, Shown},
    table::{Model, Table},
};

use std::collections::BTreeMap;

impl Model {
    /// The model of one reading.
    pub(crate) fn of(look: &Look<'_>) -> Self {
        let tables = [
            ("shards", shards::table(look)),
            ("workers", workers::table(look)),
            ("findings", findings::table(look)),
            ("moves", moves::table(look)),
            ("failures", failures::table(look)),
        ];
        Self { head: head::of(look), tables: BTreeMap::from(tables) }
    }
}
