//! Everything that a look sees, as one value.

use std::collections::BTreeMap;

use kcl_core::{
    assignment::placement::{Frozen, Inherited, Marks, PlacementRules},
    coordinator::Assignment,
    env::{Time, WallTime},
    lease::{Changing, Lease, LeaseKey, Session, Streams, WorkerId, report::Reports},
    store::{Listing, codec::BadRow},
    stream::{Shard, StreamDescription},
};

use super::Known;
use crate::beats::Beats;

/// Everything that a look sees.
#[derive(Debug)]
pub(crate) struct Facts {
    pub(crate) application: String,
    /// Where the leases are.
    pub(crate) store: String,
    /// When the look ended.
    pub(crate) at: Time,
    pub(crate) wall: WallTime,
    pub(crate) sessions: Known<Sessions>,
    pub(crate) leases: Known<Listing<Lease>>,
    pub(crate) documents: Known<Documents>,
    /// The stream that was asked, as it was called.
    pub(crate) stream_asked: Option<String>,
    pub(crate) stream: Known<Described>,
    /// Asked for after the leases.
    pub(crate) shards: Known<Vec<Shard>>,
    pub(crate) lags: Known<BTreeMap<LeaseKey, Lag>>,
    /// With whose credentials the stream was asked.
    pub(crate) identity: Known<String>,
    pub(crate) rights: Vec<Right>,
}

#[cfg(test)]
impl Facts {
    /// A look at which nothing but the sessions was looked at.
    pub(crate) fn of_sessions(sessions: Known<Sessions>) -> Self {
        Self {
            application: "indexer".to_owned(),
            store: "memory:".to_owned(),
            at: Time::ZERO,
            wall: WallTime::from_millis(0),
            sessions,
            leases: Known::LeftOut("a test"),
            documents: Known::LeftOut("a test"),
            stream_asked: None,
            stream: Known::LeftOut("a test"),
            shards: Known::LeftOut("a test"),
            lags: Known::LeftOut("a test"),
            identity: Known::LeftOut("a test"),
            rights: Vec::new(),
        }
    }
}

/// The sessions, as listed last, and whose beats were seen to move.
#[derive(Debug, Default)]
pub(crate) struct Sessions {
    pub(crate) rows: Vec<Session>,
    pub(crate) unreadable: Vec<BadRow>,
    pub(crate) beats: Beats,
}

/// The documents that tell of the whole, and those of workers that have not ended.
#[derive(Clone, Debug, Default)]
pub(crate) struct Documents {
    pub(crate) changing: Option<Changing>,
    pub(crate) streams: Option<Streams>,
    pub(crate) placement: Option<PlacementRules>,
    /// Who has frozen the fleet, if somebody has.
    pub(crate) frozen: Option<Frozen>,
    /// What the operator has said of single workers and leases.
    pub(crate) marks: Marks,
    pub(crate) inherited: Option<Inherited>,
    /// Read only where nobody holds a lease.
    pub(crate) assignments: BTreeMap<WorkerId, Assignment>,
    /// What workers and planner tell of themselves, with its age.
    pub(crate) reports: Reports,
    /// Those that make no sense: their names, and why.
    pub(crate) unreadable: Vec<(String, String)>,
    /// Those of workers that could not be read: their names, and why.
    pub(crate) unread: Vec<(String, String)>,
}

/// What the stream says of itself.
#[derive(Clone, Debug)]
pub(crate) struct Described {
    pub(crate) description: StreamDescription,
    /// What this machine's clock showed when the answer came.
    pub(crate) heard: WallTime,
}

/// What stands after a lease's checkpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Lag {
    /// The oldest record after it arrived then; before that one, records were trimmed unread.
    Unread { since: WallTime, lost: bool },
    /// Nothing.
    CaughtUp,
    /// It could not be read.
    Unknown(String),
}

/// Whether the identity that was tested may do something.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub(crate) struct Right {
    pub(crate) action: &'static str,
    /// `called`, or `dry run`.
    pub(crate) how: &'static str,
    /// `allowed`, `denied` or `unknown`.
    pub(crate) outcome: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) why: Option<String>,
}
