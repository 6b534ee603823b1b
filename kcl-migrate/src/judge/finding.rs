//! What is found of a shard or of the whole table: each hazard by name.

use std::fmt;

/// How much a finding weighs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Worth knowing.
    Note,
    /// Something is read twice, or was lost before.
    Warning,
    /// Nothing is imported while it stands.
    Refusal,
}

/// What can be wrong with a table, or with a row of it. Names are stable: they stand in `--json`
/// and in `docs/IMPORT.md`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Hazard {
    /// The row says LATEST: nothing was checkpointed yet.
    Latest,
    /// The row was never checkpointed.
    NeverRead,
    /// The row says AT_TIMESTAMP, and the table does not hold the time.
    Timestamp,
    /// A checkpoint was prepared and never came to be.
    Pending,
    /// The lease was just being handed over.
    HandedOver,
    /// The checkpoint lies within an aggregate.
    SubSequence,
    /// Records after the checkpoint are gone already.
    Gap,
    /// No record has the checkpoint's number, and none comes after it.
    NoRecord,
    /// What comes after the checkpoint is not known.
    Unread,
    /// The checkpoint is older than the shard: the stream was made again since.
    OtherLife,
    /// The checkpoint is past the end of the shard.
    BeyondShard,
    /// The row says that an open shard has ended.
    EndedWhileOpen,
    /// The row makes no sense.
    Unreadable,
    /// The row's shard is gone, and was not read to its end.
    Expired,
    /// The stream lists a parent without a row, whose children have rows.
    ParentWithoutRow,
    /// A parent has ended, and its child has no row.
    ChildWithoutRow,
    /// Nothing leads to a shard that has no row.
    NoRow,
    /// Hash keys that nobody would read.
    Uncovered,
    /// No row is of a shard that the stream lists.
    NothingMatches,
    /// The rows are of another stream, or of another life of it.
    OtherStream,
    /// The fork had released the shard: nobody was to read it.
    Released,
    /// The fork pins the shard to a name that no worker can have.
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

    /// Its name.
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

    /// How much it weighs.
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

/// Something that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What.
    pub hazard: Hazard,
    /// In words, with what is done about it, or what helps.
    pub says: String,
}

impl Finding {
    pub(crate) fn new(hazard: Hazard, says: impl Into<String>) -> Self {
        Self { hazard, says: says.into() }
    }

    /// How much it weighs.
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
