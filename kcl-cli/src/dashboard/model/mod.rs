//! What the page shows of an application: what a look saw and what it comes to, as tables of rows.
//! Pure.
//!
//! | part | its question |
//! |---|---|
//! | `table` | what is a model made of? |
//! | `delta` | what changed between two? |
//! | `look` | what is it made from? |
//! | `head` | what is there to say of the whole? |
//! | `shards`, `workers`, `findings`, `moves`, `failures` | which rows are in each table? |
//! | `marks` | what has the operator said of a shard, or of a worker? |
//! | `history` | what do looks one after another show? |

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
    /// What a look comes to.
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
