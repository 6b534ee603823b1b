//! Reads and writes the lease tables of other libraries, so that an application can move to
//! `kcl-core` and back: tables of the Java KCL (1, 2, 3) and of VMware-Go-KCL (v1, v2, and the fork
//! with sticky columns).
//!
//! ```text
//! import:  table ─► items ─► facts ─┐
//!                                   ├─► judgement ─► the rows, rules and documents of kcl-core
//!          the stream's shards ─────┘
//! export:  leases of kcl-core, items of the table ─► changes of items ─► table
//! ```
//!
//! | part | its question |
//! |---|---|
//! | [`place`] | which table, of which library? |
//! | `item` | which attributes does an item have? The SDK's types end here |
//! | `kcl`, `vmware` | which lease is an item, and where is its checkpoint? → a [`Fact`] |
//! | [`beside`] | what does the old fleet report of itself, in its lease table and in the tables beside it? |
//! | [`fence`] | does the old fleet still write its table? |
//! | [`mod@judge`] | at which checkpoint is each shard imported? → a [`Judgement`] |
//! | `import` | which rows are written while the application is closed? |
//! | `imported` | was this table imported before? |
//! | [`export`] | what is written back, so that the old fleet can go on? |
//! | [`table`] | how is a DynamoDB table read and written? |
//!
//! Only `table` and `imported` do I/O. The import itself is a [`Design`](kcl_core::change::Design),
//! which `kcl_core::change` carries out. `docs/IMPORT.md` lists every hazard of a table, and how an
//! import treats it.

pub mod beside;
pub mod export;
pub mod fact;
pub mod fence;
mod import;
mod imported;
mod item;
pub mod judge;
mod kcl;
mod number;
pub mod place;
#[cfg(test)]
mod recorded;
pub mod table;
#[cfg(test)]
mod testing;
mod vmware;

pub use beside::Beside;
pub use fact::{
    Contents, Coordination, Fact, Layout, Mark, OfStream, SideTable, Sticky, Unreadable,
};
pub use fence::Fence;
pub use import::Import;
pub use imported::{Entry, Imported, UnreadableImports, was_imported};
pub use item::{InvalidScan, Item, Value, items_of_scan};
pub use judge::{
    Finding, Hazard, ImportOptions, Judged, Judgement, Level, Probe, Said, Verdict, judge,
};
pub use place::{InvalidPlace, Library, Place};
pub use table::{Table, TableError};

/// Reads the items of a table of this library: its leases, and counts of all other items.
#[must_use]
pub fn read(library: Library, items: &[Item]) -> Contents {
    match library {
        Library::Kcl => kcl::read(items),
        Library::Vmware => vmware::read(items),
    }
}
