//! Classifies failed calls: the kind of each decides what the caller does.
//!
//! An error answer of the server proves that the command had no effect. Only a command without an
//! answer may have been applied.

use std::time::Duration;

use kcl_core::store::{StoreError, StoreErrorKind};
use redis::{ErrorKind, RedisError};

/// Whether a call reads or writes: a write without an answer may have been applied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Effect {
    Reads,
    Writes,
}

/// The operation that a worker calls before all others. A replica is an error of the configuration
/// there, and temporary everywhere else.
pub(crate) const PREPARE: &str = "prepare";

/// A call under way, with the texts for its errors.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Call<'a> {
    /// The operation, as [`kcl_core::store::LeaseStore`] names it.
    pub(crate) op: &'static str,
    /// The address of the server, without secrets.
    pub(crate) location: &'a str,
    /// The key of the row; empty for a listing.
    pub(crate) row: &'a str,
    pub(crate) effect: Effect,
}

impl Call<'_> {
    /// Makes an error of `kind`, with `why` as its cause.
    pub(crate) fn error(&self, kind: StoreErrorKind, why: impl Into<String>) -> StoreError {
        let key = match self.row {
            "" => self.location.to_owned(),
            row => format!("{row} at {}", self.location),
        };
        StoreError::new(kind, self.op, key).caused_by(why.into())
    }

    /// Makes the error of a call for which no connection could be made within `limit`. Nothing was
    /// sent.
    pub(crate) fn unreached(&self, error: &RedisError, limit: Duration) -> StoreError {
        if error.kind() != ErrorKind::Io {
            return self.refused(error);
        }
        let text = error.to_string();
        let secured = self.location.starts_with(SECURED);
        let why = if error.is_timeout() && secured {
            // A server without TLS waits for the end of the TLS greeting, which it takes for a
            // command.
            format!("no answer within {limit:?} (does the server speak TLS? If not: redis://)")
        } else if error.is_timeout() {
            format!("no answer within {limit:?}")
        } else {
            format!("no answer: {text}")
        };
        self.error(StoreErrorKind::Unavailable, why)
    }

    /// Makes the error of a command that was passed to a connection.
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

    /// Makes the error of an error answer. The command had no effect.
    fn refused(&self, error: &RedisError) -> StoreError {
        let (mut kind, remedy) = of_answer(error);
        // While a worker runs, the address may soon lead to the primary. At the start of a worker
        // the address is probably wrong.
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

/// The prefix of the location of a server with TLS.
const SECURED: &str = "rediss://";

/// The kind of an error answer, and its remedy; empty if none is known.
fn of_answer(error: &RedisError) -> (StoreErrorKind, &'static str) {
    use StoreErrorKind::{Denied, Misconfigured, Unavailable};
    const RIGHTS: &str = "the documentation of kcl_redis lists the rights";
    let said = error.detail().unwrap_or_default();
    match error.code().unwrap_or_default() {
        "NOAUTH" => (Denied, "give a password with the URL or with `credentials`"),
        "WRONGPASS" => (Denied, ""),
        "NOPERM" => (Denied, RIGHTS),
        // A missing permission inside a script has no code of its own.
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

/// The code of a replica's answer to a write.
pub(crate) const READ_ONLY: &str = "READONLY";

/// True if the connection is of no use any more: it is broken, or the keys are on another node.
pub(crate) fn wants_another_link(error: &RedisError) -> bool {
    matches!(error.kind(), ErrorKind::Io | ErrorKind::Parse)
        || lost_its_role(error)
        || matches!(error.code(), Some("MOVED" | "CLUSTERDOWN"))
}

/// True if an answer shows that the server is not the primary, or not any more. The store then
/// drops all connections and resolves the host name again.
pub(crate) fn lost_its_role(error: &RedisError) -> bool {
    matches!(error.code(), Some(READ_ONLY | "MASTERDOWN" | "LOADING"))
}

#[cfg(test)]
mod tests;
