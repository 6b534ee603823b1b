//! What a change is to make of an application.

use std::{fmt, sync::Arc};

use crate::{
    coordinator::StreamView,
    env::WallTime,
    lease::{DocName, Document, Lease, LeaseKey},
    stream::{Position, SequenceNumber, Shard, ShardId, StreamKey},
};

use super::target::{RowChange, Target};

/// What an application and its stream are found to be. The shards were listed after the rows were
/// read.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Found<'a> {
    /// Every lease, roles included.
    pub rows: &'a [Lease],
    /// Every document.
    pub docs: &'a [Document],
    /// The stream and its shards.
    pub stream: &'a StreamView,
}

impl<'a> Found<'a> {
    /// These rows and documents, and this stream.
    #[must_use]
    pub const fn new(rows: &'a [Lease], docs: &'a [Document], stream: &'a StreamView) -> Self {
        Self { rows, docs, stream }
    }

    /// A document by its name.
    #[must_use]
    pub fn doc(&self, name: &DocName) -> Option<&'a Document> {
        self.docs.iter().find(|doc| doc.name == *name)
    }

    /// A shard that the stream lists, by its name.
    #[must_use]
    pub fn shard(&self, id: &ShardId) -> Option<&'a Shard> {
        self.stream.shards.iter().find(|shard| shard.id == *id)
    }

    /// The key of a shard's lease in the stream as it is now.
    pub(super) fn key_of(&self, shard: &ShardId) -> LeaseKey {
        LeaseKey::of_shard(&self.stream.description.key, shard)
    }

    /// Every row of a shard where it is, for those that stay.
    pub(super) fn rows_kept(&self) -> Vec<RowChange> {
        self.rows.iter().filter(|row| !row.key.is_role()).map(RowChange::kept).collect()
    }
}

/// What a change is to make of an application: pure, so that it can be shown before it is done.
pub trait Design: fmt::Debug + Send + Sync {
    /// The change in words: the same command always says the same. Whoever says the same goes on
    /// with a change that was broken off; anybody else is refused.
    fn what(&self) -> String;

    /// What becomes of every row of a shard, and of the documents that say where it is read.
    ///
    /// # Errors
    /// It cannot be done to what was found.
    fn plan(&self, found: &Found<'_>) -> Result<Target, Unfit>;
}

/// Why a change cannot be made of what was found. Nothing is changed.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Unfit {
    /// The application has no lease of the stream.
    Empty {
        /// The stream.
        stream: StreamKey,
    },
    /// The leases are another stream's.
    OtherStream {
        /// Whose leases there are.
        here: Arc<str>,
        /// Which stream was asked for.
        asked: Arc<str>,
    },
    /// There is no such lease.
    NoLease {
        /// What was asked for.
        asked: String,
        /// The shards that have leases.
        there: Vec<ShardId>,
    },
    /// The stream no longer lists the lease's shard: its records are gone.
    Forgotten {
        /// Which lease.
        lease: LeaseKey,
    },
    /// The time is later than the stream's own.
    Future {
        /// The time that was asked for.
        at: WallTime,
        /// The stream's own.
        now: WallTime,
    },
    /// The shard holds no such position.
    Outside {
        /// Which lease.
        lease: LeaseKey,
        /// What was asked for.
        position: Position,
        /// The first sequence number that the shard can hold, where known.
        from: Option<SequenceNumber>,
        /// A sequence number that is past its last one, where known.
        before: Option<SequenceNumber>,
    },
    /// It may not be done, for a reason that the change itself says.
    Refused {
        /// Why, and what helps.
        why: String,
    },
    /// What came from the shard was read already, or may have been: it would be read before its
    /// parent.
    Descendants {
        /// Which lease.
        lease: LeaseKey,
        /// The leases of the shards that came from it.
        descendants: Vec<LeaseKey>,
    },
}

/// How many leases a message names.
const NAMED: usize = 10;

impl fmt::Display for Unfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty { stream } => write!(
                f,
                "the application has no lease of {stream}: a first start begins where \
                 initial_position says; check the names of application, store and stream"
            ),
            Self::OtherStream { here, asked } => write!(
                f,
                "the application reads the stream {here:?}, not {asked:?}: name that one, or \
                 another application"
            ),
            Self::NoLease { asked, there } => {
                write!(f, "there is no lease {asked:?}; there are ")?;
                list(f, there)
            }
            Self::Forgotten { lease } => write!(
                f,
                "the stream no longer lists the shard of {lease}: its records have expired, and \
                 there is nothing to read again"
            ),
            Self::Future { at, now } => write!(
                f,
                "{at} is later than the stream's own time, {now}: records that arrive in between \
                 would be passed over; choose a time that has come, or latest"
            ),
            Self::Outside { lease, position, from, before } => {
                write!(f, "{position} is no position of {lease}, which holds sequence numbers")?;
                if let Some(from) = from {
                    write!(f, " from {from} on")?;
                }
                if let Some(before) = before {
                    write!(f, " below {before}")?;
                }
                f.write_str(": take one of its records'")
            }
            Self::Refused { why } => f.write_str(why),
            Self::Descendants { lease, descendants } => {
                write!(f, "the shards that came from {lease} have been read or may be: ")?;
                list(f, descendants)?;
                f.write_str(". With --with-descendants they are read again after it")
            }
        }
    }
}

impl std::error::Error for Unfit {}

fn list(f: &mut fmt::Formatter<'_>, names: &[impl fmt::Display]) -> fmt::Result {
    for (name, number) in names.iter().take(NAMED).zip(0..) {
        write!(f, "{}{name}", if number == 0 { "" } else { ", " })?;
    }
    match names.len().saturating_sub(NAMED) {
        0 if names.is_empty() => f.write_str("none"),
        0 => Ok(()),
        more => write!(f, " and {more} more"),
    }
}
