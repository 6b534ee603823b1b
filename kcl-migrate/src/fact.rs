//! The leases of another library's table as plain data, the same for every library.
//!
//! [`Contents`] holds a whole table, [`Fact`] one lease. `kcl` and `vmware` make them of items;
//! `judge`, `fence` and `export` use them. Nothing is judged here: a [`Fact`] is what the row says.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use kcl_core::stream::{Position, ShardId};

/// The checkpoint of a row, as the other library wrote it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Mark {
    /// Nothing is processed: the old fleet would start at the oldest record.
    TrimHorizon,
    /// Nothing is processed: the old fleet would start after the newest record.
    Latest,
    /// Nothing is processed: the old fleet would start at a time that only its settings hold.
    AtTimestamp,
    /// The row has no checkpoint. Only VMware-Go-KCL writes such rows.
    Never,
    /// Every record up to and including this position is processed.
    After(Position),
    /// The whole shard is processed.
    ShardEnd,
}

impl fmt::Display for Mark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TrimHorizon => f.write_str("TRIM_HORIZON"),
            Self::Latest => f.write_str("LATEST"),
            Self::AtTimestamp => f.write_str("AT_TIMESTAMP"),
            Self::Never => f.write_str("(no checkpoint)"),
            Self::After(position) => write!(f, "{position}"),
            Self::ShardEnd => f.write_str("SHARD_END"),
        }
    }
}

/// The stream of a row, in a table of the Java KCL's multi-stream mode.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct OfStream {
    /// The AWS account, as digits.
    pub account: String,
    /// The stream's name.
    pub name: String,
    /// The stream's creation time, in seconds since 1970.
    pub created: u64,
}

impl fmt::Display for OfStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.account, self.name, self.created)
    }
}

/// The sticky columns of a row, which only a fork of VMware-Go-KCL writes.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Sticky {
    /// Only the worker of this name may read the shard (`Sticky` is 10).
    To(String),
    /// No worker may read the shard until the operator changes the row (`Sticky` is 20).
    Released,
}

/// A lease of another library.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Fact {
    /// The row's key.
    pub key: String,
    /// The stream; `None` if the table is for one stream.
    pub stream: Option<OfStream>,
    /// The shard.
    pub shard: ShardId,
    /// The worker that holds the lease or held it last; `None` if the row names none.
    pub owner: Option<String>,
    /// The checkpoint.
    pub mark: Mark,
    /// Whether the row has a prepared checkpoint of the Java KCL that was not completed.
    pub is_pending: bool,
    /// Whether the old fleet was handing the lease over when the row was read.
    pub is_handed_over: bool,
    /// A text of the attributes that change while a worker holds the lease. Two readings with the
    /// same text: no worker wrote the row between them.
    pub pulse: String,
    /// The sticky columns; `None` if the row has none, or they say nothing.
    pub sticky: Option<Sticky>,
}

/// A lease row with an attribute that cannot be understood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unreadable {
    /// The row's key.
    pub key: String,
    /// The attribute, and what is wrong with it.
    pub why: String,
}

/// The releases that wrote a table, recognised by its attributes. A table of the Java KCL counts
/// as the latest release that one of its items shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Layout {
    /// The Java KCL 1 or 2.
    #[default]
    Kcl1Or2,
    /// The Java KCL 3.0 to 3.4, which keeps everything but leases in two other tables.
    Kcl3,
    /// The Java KCL 3.5, which keeps everything in this table.
    Kcl35,
    /// VMware-Go-KCL.
    Vmware,
    /// VMware-Go-KCL with the fork's sticky columns.
    VmwareSticky,
}

impl fmt::Display for Layout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Kcl1Or2 => "the Java KCL 1 or 2",
            Self::Kcl3 => "the Java KCL 3.0 to 3.4",
            Self::Kcl35 => "the Java KCL 3.5",
            Self::Vmware => "VMware-Go-KCL",
            Self::VmwareSticky => "VMware-Go-KCL with sticky columns",
        })
    }
}

/// The outcome of reading a table beside the lease table.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SideTable {
    /// The table was read.
    Read,
    /// There is no such table.
    Missing,
    /// Reading failed for this reason.
    Unread(String),
}

/// What a fleet of the Java KCL 3 reports of itself as a whole.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Coordination {
    /// The client versions in its rows `Migration3.0`: as which release it coordinates.
    pub client_versions: BTreeSet<String>,
    /// The states in its rows `TableMigration3.5`: how far these rows have moved into the lease
    /// table.
    pub table_migrations: BTreeSet<String>,
    /// When each worker last wrote its measurements, in seconds since 1970.
    pub reported: BTreeMap<String, u64>,
    /// The outcome of reading each of its tables.
    pub tables: BTreeMap<String, SideTable>,
}

/// The contents of a table.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Contents {
    /// The releases that wrote the table.
    pub layout: Layout,
    /// The leases, in the order of their keys.
    pub leases: Vec<Fact>,
    /// The lease rows that cannot be understood.
    pub unreadable: Vec<Unreadable>,
    /// How many items are not leases, by their `entityType`.
    pub others: BTreeMap<String, usize>,
    /// The attributes of other items that change while a worker lives, by the name of the worker;
    /// items of the tables beside this one among them.
    pub pulses: BTreeMap<String, String>,
    /// What a fleet of the Java KCL 3 says of itself.
    pub coordination: Coordination,
}

impl Contents {
    /// Whether the table has no lease row, readable or not.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.leases.is_empty() && self.unreadable.is_empty()
    }

    /// The streams that rows name, and how many rows each has.
    #[must_use]
    pub fn streams(&self) -> BTreeMap<OfStream, usize> {
        let mut streams = BTreeMap::new();
        for stream in self.leases.iter().filter_map(|fact| fact.stream.clone()) {
            *streams.entry(stream).or_default() += 1;
        }
        streams
    }
}
