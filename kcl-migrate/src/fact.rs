//! What a row of another library's table says of a lease.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use kcl_core::stream::{Position, ShardId};

/// How far a shard was processed, as the row says it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Mark {
    /// Nothing: it was to start at the oldest record.
    TrimHorizon,
    /// Nothing: it was to start after the newest record.
    Latest,
    /// Nothing: it was to start at a time that the table does not hold.
    AtTimestamp,
    /// Nothing was ever written.
    Never,
    /// Everything up to and including this position.
    After(Position),
    /// Everything.
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

/// Which stream a row of a table for many streams is of.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct OfStream {
    /// The account.
    pub account: String,
    /// The stream's name.
    pub name: String,
    /// When it was made, in seconds since 1970.
    pub created: u64,
}

impl fmt::Display for OfStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.account, self.name, self.created)
    }
}

/// What the fork's columns say of a shard.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Sticky {
    /// Only this worker may read it (`Sticky` 10).
    To(String),
    /// Nobody may, until somebody says so (`Sticky` 20).
    Released,
}

/// A lease.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Fact {
    /// The row's key.
    pub key: String,
    /// The stream, in a table for many.
    pub stream: Option<OfStream>,
    /// The shard.
    pub shard: ShardId,
    /// Who holds it, or did last.
    pub owner: Option<String>,
    /// How far it is processed.
    pub mark: Mark,
    /// Whether a checkpoint was prepared that never came to be.
    pub is_pending: bool,
    /// Whether it was just being handed over.
    pub is_handed_over: bool,
    /// What changes while somebody holds it.
    pub pulse: String,
    /// What the fork's columns say.
    pub sticky: Option<Sticky>,
}

/// A row that is a lease, and makes no sense.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unreadable {
    /// The row's key.
    pub key: String,
    /// What makes no sense in it.
    pub why: String,
}

/// Which releases wrote such a table, as far as it shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Layout {
    /// The Java KCL 1 or 2.
    #[default]
    Kcl1Or2,
    /// The Java KCL 3.0 to 3.4, which keeps what is no lease in two tables beside this one.
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

/// What became of reading a table beside the lease table.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SideTable {
    /// It was read.
    Read,
    /// It is not there.
    Missing,
    /// It could not be read, for this reason.
    Unread(String),
}

/// What a fleet of the Java KCL 3 says of itself as a whole.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Coordination {
    /// By which release's ways it works: what rows `Migration3.0` say.
    pub client_versions: BTreeSet<String>,
    /// How far these rows have moved into the lease table: what rows `TableMigration3.5` say.
    pub table_migrations: BTreeSet<String>,
    /// When each worker last wrote what it measures, in seconds since 1970.
    pub reported: BTreeMap<String, u64>,
    /// What became of each table that was looked for.
    pub tables: BTreeMap<String, SideTable>,
}

/// What a table holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Contents {
    /// Which releases wrote it.
    pub layout: Layout,
    /// The leases, in the order of keys.
    pub leases: Vec<Fact>,
    /// Leases that make no sense.
    pub unreadable: Vec<Unreadable>,
    /// How many items are none, by what they say they are.
    pub others: BTreeMap<String, usize>,
    /// What changes of items that are no leases while a worker lives, by whom it tells of. Those of
    /// tables beside this one, too.
    pub pulses: BTreeMap<String, String>,
    /// What a fleet of the Java KCL 3 says of itself.
    pub coordination: Coordination,
}

impl Contents {
    /// Whether there is no lease in it, readable or not.
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
