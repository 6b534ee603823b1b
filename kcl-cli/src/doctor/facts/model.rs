//! The types of a reading: [`Facts`] and what it consists of. They hold data only.

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

/// One reading of an application: what the store and the stream answered.
#[derive(Debug)]
pub(crate) struct Facts {
    /// The name of the application.
    pub(crate) application: String,
    /// The address of the lease store, without secrets.
    pub(crate) store: String,
    /// When the reading ended, by this machine's monotonic clock.
    pub(crate) at: Time,
    /// The same moment by this machine's wall clock.
    pub(crate) wall: WallTime,
    /// The session rows of all workers, and their beats.
    pub(crate) sessions: Known<Sessions>,
    /// All lease rows, with those of roles such as `@planner`.
    pub(crate) leases: Known<Listing<Lease>>,
    /// The documents of the application and of its workers.
    pub(crate) documents: Known<Documents>,
    /// The name of the stream that was asked; `None` if no stream was known to ask.
    pub(crate) stream_asked: Option<String>,
    /// The stream's description.
    pub(crate) stream: Known<Described>,
    /// The stream's shards. `kcl doctor` lists them after the leases: otherwise the lease of a
    /// shard that appeared in between would look like a lease without a shard.
    pub(crate) shards: Known<Vec<Shard>>,
    /// The lag of the leases that were measured, `--lag-of` at most.
    pub(crate) lags: Known<BTreeMap<LeaseKey, Lag>>,
    /// The AWS identity whose credentials this command used for the stream.
    pub(crate) identity: Known<String>,
    /// The calls that were tested, in the order of the tests; empty if the stream was not asked.
    pub(crate) rights: Vec<Right>,
}

#[cfg(test)]
impl Facts {
    /// A reading that knows nothing but these sessions.
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

/// The session rows of the last listing, and the beats of all listings.
#[derive(Debug, Default)]
pub(crate) struct Sessions {
    /// Every session row, ended ones included.
    pub(crate) rows: Vec<Session>,
    /// The session rows that this version cannot decode.
    pub(crate) unreadable: Vec<BadRow>,
    /// For each session, whether and when its beat was seen to move.
    pub(crate) beats: Beats,
}

/// The documents of the application, and those of the workers whose sessions have not ended.
#[derive(Clone, Debug, Default)]
pub(crate) struct Documents {
    /// Whether a command has closed the application to rewrite its rows; `None` if none ever did.
    pub(crate) changing: Option<Changing>,
    /// The stream that the application reads, with its start; `None` before the first worker.
    pub(crate) streams: Option<Streams>,
    /// The placement rules; `None` if nobody has set any.
    pub(crate) placement: Option<PlacementRules>,
    /// Who froze the fleet, and when; `None` if it is not frozen.
    pub(crate) frozen: Option<Frozen>,
    /// The operator's marks on workers and leases.
    pub(crate) marks: Marks,
    /// The placement rules that children of split or merged shards inherit.
    pub(crate) inherited: Option<Inherited>,
    /// The plan's document of each worker. It is read only if some lease has no owner; otherwise
    /// the map is empty.
    pub(crate) assignments: BTreeMap<WorkerId, Assignment>,
    /// The reports of the workers and of the planner, each with its age.
    pub(crate) reports: Reports,
    /// The documents that this version cannot decode: each with its name and the error.
    pub(crate) unreadable: Vec<(String, String)>,
    /// The documents of workers for which the store failed: each with its name and the error.
    pub(crate) unread: Vec<(String, String)>,
}

/// The stream's description.
#[derive(Clone, Debug)]
pub(crate) struct Described {
    pub(crate) description: StreamDescription,
    /// What this machine's wall clock showed when the answer came. The difference to the server's
    /// time in the description tells how far the two clocks are apart.
    pub(crate) heard: WallTime,
}

/// What a read at a lease's checkpoint found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Lag {
    /// The oldest record after the checkpoint arrived at `since`. With `lost`, the stream trimmed
    /// records between the checkpoint and that record.
    Unread { since: WallTime, lost: bool },
    /// There is no record after the checkpoint.
    CaughtUp,
    /// The shard could not be read, or its records have no arrival time. The text says why.
    Unknown(String),
}

/// Whether the credentials of this command may make a call.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub(crate) struct Right {
    /// The action as IAM names it, for example `kinesis:GetRecords`.
    pub(crate) action: &'static str,
    /// `called`, or `dry run`.
    pub(crate) how: &'static str,
    /// `allowed`, `denied` or `unknown`.
    pub(crate) outcome: &'static str,
    /// The error of the call; `None` if it was allowed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) why: Option<String>,
}
