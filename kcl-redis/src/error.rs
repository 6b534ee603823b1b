//! What a failed call means.

use std::time::Duration;

use kcl_core::store::{StoreError, StoreErrorKind};
use redis::{ErrorKind, RedisError};

/// Whether a call may have changed something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Effect {
    Reads,
    Writes,
}

/// The operation that looks whether the server will do, before anything else.
pub(crate) const PREPARE: &str = "prepare";

/// A call, and what it is about.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Call<'a> {
    /// The operation, as the trait names it.
    pub(crate) op: &'static str,
    /// The server, without secrets.
    pub(crate) location: &'a str,
    /// The row; empty for a listing.
    pub(crate) row: &'a str,
    pub(crate) effect: Effect,
}

impl Call<'_> {
    /// An error of `kind`, with what is to be said about it.
    pub(crate) fn error(&self, kind: StoreErrorKind, why: impl Into<String>) -> StoreError {
        let key = match self.row {
            "" => self.location.to_owned(),
            row => format!("{row} at {}", self.location),
        };
        StoreError::new(kind, self.op, key).caused_by(why.into())
    }

    /// What it means that no connection could be made within `limit`: nothing was done.
    pub(crate) fn unreached(&self, error: &RedisError, limit: Duration) -> StoreError {
        if error.kind() != ErrorKind::Io {
            return self.refused(error);
        }
        let text = error.to_string();
        let secured = self.location.starts_with(SECURED);
        let why = if error.is_timeout() && secured {
            // A server in clear waits for the rest of what to it is a strange line.
            format!("no answer within {limit:?} (does the server speak TLS? If not: redis://)")
        } else if error.is_timeout() {
            format!("no answer within {limit:?}")
        } else {
            format!("no answer: {text}")
        };
        self.error(StoreErrorKind::Unavailable, why)
    }

    /// What it means that the call failed so after it was handed to a connection.
    pub(crate) fn failed(&self, error: &RedisError) -> StoreError {
        match (error.kind(), self.effect) {
            (ErrorKind::Io | ErrorKind::Parse, Effect::Writes) => {
                self.error(StoreErrorKind::Unknown, format!("sent, and no answer: {error}"))
            }
            (ErrorKind::Io | ErrorKind::Parse, Effect::Reads) => {
                self.error(StoreErrorKind::Unavailable, format!("no answer: {error}"))
            }
            _ => self.refused(error),
        }
    }

    /// What an error answer means. The server did nothing, whichever it is.
    fn refused(&self, error: &RedisError) -> StoreError {
        let (mut kind, remedy) = of_answer(error);
        // Once a worker runs, the address may soon lead to the primary; at the start somebody has
        // to look.
        if self.op == PREPARE && error.code() == Some(READ_ONLY) {
            kind = StoreErrorKind::Misconfigured;
        }
        let text = error.to_string();
        match remedy {
            "" => self.error(kind, text),
            remedy => self.error(kind, format!("{text} ({remedy})")),
        }
    }
}

/// How the location of a server begins that is to speak TLS.
const SECURED: &str = "rediss://";

/// The kind of an error answer, and a remedy where one is known.
fn of_answer(error: &RedisError) -> (StoreErrorKind, &'static str) {
    use StoreErrorKind::{Denied, Misconfigured, Unavailable};
    const RIGHTS: &str = "the documentation of kcl_redis lists the rights";
    let said = error.detail().unwrap_or_default();
    match error.code().unwrap_or_default() {
        "NOAUTH" => (Denied, "give a password with the URL or with `credentials`"),
        "WRONGPASS" => (Denied, ""),
        "NOPERM" => (Denied, RIGHTS),
        // Rights that a script lacks have no code of their own.
        "ERR" if said.contains("The user executing the script can't") => (Denied, RIGHTS),
        "ERR" if said.contains("ACL failure in script") => (Denied, RIGHTS),
        READ_ONLY => {
            (Unavailable, "this is a replica, or was made one: give the address of the primary")
        }
        "NOREPLICAS" => (Unavailable, "too few replicas keep up for min-replicas-to-write"),
        "LOADING" | "MASTERDOWN" | "CLUSTERDOWN" | "TRYAGAIN" | "MOVED" | "ASK" | "BUSY"
        | "FAILOVER" => (Unavailable, ""),
        _ if error.to_string().contains("SELECT is not allowed in cluster mode") => {
            (Misconfigured, "a cluster has one database: leave its number out of the URL")
        }
        "ERR" if said.contains("max number of clients reached") => {
            (Unavailable, "raise maxclients")
        }
        "OOM" => (Misconfigured, "the server's memory is full: raise maxmemory"),
        "MISCONF" => (Misconfigured, "the server cannot save to its disk and refuses writes"),
        _ => match error.kind() {
            ErrorKind::AuthenticationFailed => (Denied, ""),
            ErrorKind::RESP3NotSupported => (Misconfigured, "Redis 6 or newer is needed"),
            _ => (Misconfigured, ""),
        },
    }
}

/// What a replica says to a write.
pub(crate) const READ_ONLY: &str = "READONLY";

/// Whether another connection is needed, or another node.
pub(crate) fn wants_another_link(error: &RedisError) -> bool {
    matches!(error.kind(), ErrorKind::Io | ErrorKind::Parse)
        || lost_its_role(error)
        || matches!(error.code(), Some("MOVED" | "CLUSTERDOWN"))
}

/// Whether an answer shows that the server is not, or no longer, the one that serves. Where the
/// address leads is then to be asked anew, for every connection.
pub(crate) fn lost_its_role(error: &RedisError) -> bool {
    matches!(error.code(), Some(READ_ONLY | "MASTERDOWN" | "LOADING"))
}

#[cfg(test)]
mod tests;
