//! The content of a change: the trait [`Design`], and the reasons why a change may be impossible.

use std::{fmt, sync::Arc};

use crate::{
    coordinator::StreamView,
    env::WallTime,
    lease::{DocName, Document, Lease, LeaseKey},
    stream::{Position, SequenceNumber, Shard, ShardId, StreamKey},
};

use super::target::{RowChange, Target};

/// An application and its stream as they were read. The shards were listed after the rows.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Found<'a> {
    /// All leases, those of roles included.
    pub rows: &'a [Lease],
    /// All documents.
    pub docs: &'a [Document],
    /// The stream and its shards.
    pub stream: &'a StreamView,
}

impl<'a> Found<'a> {
    /// An application with these rows and documents, and its stream.
    #[must_use]
    pub const fn new(rows: &'a [Lease], docs: &'a [Document], stream: &'a StreamView) -> Self {
        Self { rows, docs, stream }
    }

    /// The document of this name; `None` if there is none.
    #[must_use]
    pub fn doc(&self, name: &DocName) -> Option<&'a Document> {
        self.docs.iter().find(|doc| doc.name == *name)
    }

    /// The shard of this id; `None` if the stream does not list it.
    #[must_use]
    pub fn shard(&self, id: &ShardId) -> Option<&'a Shard> {
        self.stream.shards.iter().find(|shard| shard.id == *id)
    }

    /// The key of a shard's lease, in the present life of the stream.
    pub(super) fn key_of(&self, shard: &ShardId) -> LeaseKey {
        LeaseKey::of_shard(&self.stream.description.key, shard)
    }

    /// Every row of a shard, unchanged: a change starts from these.
    pub(super) fn rows_kept(&self) -> Vec<RowChange> {
        self.rows.iter().filter(|row| !row.key.is_role()).map(RowChange::kept).collect()
    }
}

/// The content of a change: it computes the target of an application. It is a pure function, so
/// that a command can show the change before it makes it.
pub trait Design: fmt::Debug + Send + Sync {
    /// The change in words, always the same for the same command. A command with the same words
    /// goes on with a change that was broken off; every other command is refused.
    fn what(&self) -> String;

    /// The target of the application: each row of a shard, and the documents that say where the
    /// stream is read from.
    ///
    /// # Errors
    /// When the change cannot be made of this application.
    fn plan(&self, found: &Found<'_>) -> Result<Target, Unfit>;
}

/// Why a change cannot be made of an application. Nothing was changed.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Unfit {
    /// The application has no lease of this stream.
    Empty {
        /// The stream.
        stream: StreamKey,
    },
    /// The leases belong to another stream.
    OtherStream {
        /// The stream of the leases.
        here: Arc<str>,
        /// The stream of the command.
        asked: Arc<str>,
    },
    /// No lease has this key or shard id.
    NoLease {
        /// The key or shard id of the command, at most 300 characters of it.
        asked: String,
        /// The shards that have leases.
        there: Vec<ShardId>,
    },
    /// The stream no longer lists the lease's shard: its records have expired.
    Forgotten {
        /// The lease.
        lease: LeaseKey,
    },
    /// The time of the command is later than the stream's clock.
    Future {
        /// The time of the command.
        at: WallTime,
        /// The stream's clock.
        now: WallTime,
    },
    /// The shard cannot hold this position.
    Outside {
        /// The lease.
        lease: LeaseKey,
        /// The position of the command.
        position: Position,
        /// The first sequence number that the shard can hold; `None` if it is not known.
        from: Option<SequenceNumber>,
        /// The lowest sequence number that is past the shard's end; `None` if it is not known.
        before: Option<SequenceNumber>,
    },
    /// The change itself refuses, for a reason of its own.
    Refused {
        /// The reason, and the remedy.
        why: String,
    },
    /// The descendants of the shard have been read, or may have been: after the reset they would
    /// have been read before their ancestor.
    Descendants {
        /// The lease.
        lease: LeaseKey,
        /// The leases of the descendants.
        descendants: Vec<LeaseKey>,
    },
}

/// The most leases that a message names.
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
