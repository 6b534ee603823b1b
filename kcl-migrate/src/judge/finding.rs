//! Findings: the hazards of a shard or of the whole table, each with a name and a level.

use std::fmt;

/// The severity of a finding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// The user should know it; nothing is wrong.
    Note,
    /// Records may be processed twice, or were lost before the import.
    Warning,
    /// The import is refused while there is such a finding.
    Refusal,
}

/// Something that can be wrong with a table or a row. The names are stable: `--json` and
/// `docs/IMPORT.md` contain them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Hazard {
    /// The row says LATEST: nothing was checkpointed yet.
    Latest,
    /// The row was never checkpointed.
    NeverRead,
    /// The row says AT_TIMESTAMP, and the table does not hold the time.
    Timestamp,
    /// The row has a prepared checkpoint that was not completed.
    Pending,
    /// The old fleet was handing the lease over when the row was read.
    HandedOver,
    /// The checkpoint lies within a KPL aggregate.
    SubSequence,
    /// The stream deleted records after the checkpoint.
    Gap,
    /// No record has the checkpoint's number, and none comes after it.
    NoRecord,
    /// The probe of the shard failed: it is unknown whether records were lost.
    Unread,
    /// The checkpoint is older than the shard: the stream was deleted and made again.
    OtherLife,
    /// The checkpoint is past the end of the shard.
    BeyondShard,
    /// The row says that an open shard has ended.
    EndedWhileOpen,
    /// The row has an attribute that cannot be understood.
    Unreadable,
    /// The stream does not list the row's shard any more, and the shard was not read to its end.
    Expired,
    /// The shard has no row, and a descendant of it has one.
    ParentWithoutRow,
    /// The shard has no row, and its parent has ended.
    ChildWithoutRow,
    /// Neither the shard nor any ancestor or descendant has a row.
    NoRow,
    /// No lease would cover some hash keys: no worker would read their records.
    Uncovered,
    /// The stream lists none of the shards that have rows.
    NothingMatches,
    /// Every row belongs to another stream, or to another life of the stream.
    OtherStream,
    /// The fork had released the shard: no worker read it.
    Released,
    /// The fork pins the shard to a name that is no valid worker id.
    StickyName,
    /// The fleet is between two releases of the KCL, and workers of both may live.
    Upgrading,
    /// The fleet was set back to the ways of the KCL 2.
    RolledBack,
    /// The fleet moves what is beside its leases into the lease table.
    TablesMoving,
    /// A row says of the fleet what this version does not know.
    UnknownState,
    /// A table beside the lease table was not read.
    SideTables,
    /// Workers wrote lately what they measure.
    ReportedLately,
}

impl Hazard {
    /// Every hazard.
    pub const ALL: [Self; 28] = [
        Self::Latest,
        Self::NeverRead,
        Self::Timestamp,
        Self::Pending,
        Self::HandedOver,
        Self::SubSequence,
        Self::Gap,
        Self::NoRecord,
        Self::Unread,
        Self::OtherLife,
        Self::BeyondShard,
        Self::EndedWhileOpen,
        Self::Unreadable,
        Self::Expired,
        Self::ParentWithoutRow,
        Self::ChildWithoutRow,
        Self::NoRow,
        Self::Uncovered,
        Self::NothingMatches,
        Self::OtherStream,
        Self::Released,
        Self::StickyName,
        Self::Upgrading,
        Self::RolledBack,
        Self::TablesMoving,
        Self::UnknownState,
        Self::SideTables,
        Self::ReportedLately,
    ];

    /// The stable name, like `never-read`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Latest => "latest",
            Self::NeverRead => "never-read",
            Self::Timestamp => "timestamp",
            Self::Pending => "pending",
            Self::HandedOver => "handed-over",
            Self::SubSequence => "sub-sequence",
            Self::Gap => "gap",
            Self::NoRecord => "no-record",
            Self::Unread => "unread",
            Self::OtherLife => "other-life",
            Self::BeyondShard => "beyond-shard",
            Self::EndedWhileOpen => "ended-while-open",
            Self::Unreadable => "unreadable",
            Self::Expired => "expired",
            Self::ParentWithoutRow => "parent-without-row",
            Self::ChildWithoutRow => "child-without-row",
            Self::NoRow => "no-row",
            Self::Uncovered => "uncovered",
            Self::NothingMatches => "nothing-matches",
            Self::OtherStream => "other-stream",
            Self::Released => "released",
            Self::StickyName => "sticky-name",
            Self::Upgrading => "upgrading",
            Self::RolledBack => "rolled-back",
            Self::TablesMoving => "tables-moving",
            Self::UnknownState => "unknown-state",
            Self::SideTables => "side-tables",
            Self::ReportedLately => "reported-lately",
        }
    }

    /// The severity of this hazard.
    #[must_use]
    pub const fn level(self) -> Level {
        match self {
            Self::Pending
            | Self::HandedOver
            | Self::SubSequence
            | Self::ChildWithoutRow
            | Self::TablesMoving
            | Self::ReportedLately => Level::Note,
            Self::Latest
            | Self::NeverRead
            | Self::Gap
            | Self::NoRecord
            | Self::Unread
            | Self::Expired
            | Self::ParentWithoutRow
            | Self::Released
            | Self::Upgrading
            | Self::RolledBack
            | Self::UnknownState
            | Self::SideTables => Level::Warning,
            Self::Timestamp
            | Self::OtherLife
            | Self::BeyondShard
            | Self::EndedWhileOpen
            | Self::Unreadable
            | Self::NoRow
            | Self::Uncovered
            | Self::NothingMatches
            | Self::OtherStream
            | Self::StickyName => Level::Refusal,
        }
    }
}

impl fmt::Display for Hazard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A hazard that was found in a table or a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The hazard.
    pub hazard: Hazard,
    /// The finding in words: what the import does about it, or what the user should do.
    pub says: String,
}

impl Finding {
    pub(crate) fn new(hazard: Hazard, says: impl Into<String>) -> Self {
        Self { hazard, says: says.into() }
    }

    /// The severity of its hazard.
    #[must_use]
    pub const fn level(&self) -> Level {
        self.hazard.level()
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.hazard, self.says)
    }
}
