//! Lease tables of others: the Java KCL's (1, 2, 3) and VMware-Go-KCL's (v1, v2, and the fork with
//! sticky columns), read and written for applications of `kcl-core`.
//!
//! | part | its question |
//! |---|---|
//! | [`place`] | which table, of which library? |
//! | `item` | what does one item hold? (no SDK type beyond it) |
//! | `kcl`, `vmware` | which lease is an item, and how far is it? → a [`Fact`] |
//! | [`beside`] | what does a fleet say of itself, in the table and beside it? |
//! | [`fence`] | does the old fleet still move? |
//! | [`mod@judge`] | what becomes of each shard? facts and our own list of shards → a [`Judgement`] |
//! | `import` | the change that an application is closed for ([`kcl_core::change::Design`]) |
//! | `imported` | was this table imported? |
//! | [`export`] | what is written back, so that the old fleet can go on? |
//! | [`table`] | the table itself, on DynamoDB; the only part that does I/O |
//!
//! The hazards that are looked for, and what is done about each, are in `docs/IMPORT.md`.

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
pub use judge::{Finding, Hazard, Judged, Judgement, Level, Probe, Said, Verdict, Wishes, judge};
pub use place::{InvalidPlace, Library, Place};
pub use table::{Table, TableError};

/// What the items of a table of this library are: its leases, and what else was seen.
#[must_use]
pub fn read(library: Library, items: &[Item]) -> Contents {
    match library {
        Library::Kcl => kcl::read(items),
        Library::Vmware => vmware::read(items),
    }
}
