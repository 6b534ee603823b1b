//! What a failed call means.

use kcl_core::store::{StoreError, StoreErrorKind};
use sqlx::postgres::{PgDatabaseError, PgSeverity};

use crate::{connection::ConnectError, layout::Schema};

/// Whether a call may have changed something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Effect {
    Reads,
    Writes,
}

/// A call, and what it is about.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Call<'a> {
    /// The operation, as the trait names it.
    pub(crate) op: &'static str,
    pub(crate) schema: &'a Schema,
    /// The row; empty for a listing.
    pub(crate) row: &'a str,
    pub(crate) effect: Effect,
}

/// The operation that looks whether the store is usable, before anything else.
pub(crate) const PREPARE: &str = "prepare";

/// What to say of a server that follows another.
const FOLLOWS: &str =
    "this server follows another one: it takes no writes, and its rows may be old";

/// What to say where something between worker and server breaks connections up.
const POOLER: &str = "between this worker and the server stands a pooler that does not \
    pass on the settings of a connection, like PgBouncer. With transactions of several clients on \
    one connection, prepared statements give the answers of others and wake-ups are lost: connect \
    to the server itself";

impl Call<'_> {
    /// An error of `kind`, with what is to be said about it.
    pub(crate) fn error(&self, kind: StoreErrorKind, why: impl Into<String>) -> StoreError {
        let key = match self.row {
            "" => format!("schema {}", self.schema),
            row => format!("{row} in schema {}", self.schema),
        };
        StoreError::new(kind, self.op, key).caused_by(why.into())
    }

    /// What it means that no connection could be made: nothing was sent.
    pub(crate) fn unmade(&self, unmade: &ConnectError, address: &str) -> StoreError {
        match unmade {
            ConnectError::Failed(error) => self.unconnected(error, address),
            ConnectError::Pooled => self.error(StoreErrorKind::Misconfigured, POOLER),
            ConnectError::Follows => {
                let why = format!("{address}: {FOLLOWS}{}", self.remedy_of_role());
                self.error(self.kind_of_role(), why)
            }
        }
    }

    /// What it means that the server does not write. Once a worker runs, the address may soon lead
    /// to one that does; at the start somebody has to look.
    fn kind_of_role(&self) -> StoreErrorKind {
        if self.op == PREPARE { StoreErrorKind::Misconfigured } else { StoreErrorKind::Unavailable }
    }

    fn remedy_of_role(&self) -> &'static str {
        if self.op == PREPARE {
            " (give the address of the primary server; where `default_transaction_read_only` is \
             on for this server, database or role, turn it off; during a failover, start again \
             when it is over)"
        } else {
            " (writes need the primary server: the address is asked for it again and again)"
        }
    }

    /// An error of a server that only reads.
    pub(crate) fn only_reads(&self, address: &str) -> StoreError {
        let why = format!("{address}: this server only reads{}", self.remedy_of_role());
        self.error(self.kind_of_role(), why)
    }

    fn unconnected(&self, error: &sqlx::Error, address: &str) -> StoreError {
        match error {
            sqlx::Error::Database(said) => {
                let code = said.code().unwrap_or_default();
                let kind = kind_of_code(&code).unwrap_or(StoreErrorKind::Unavailable);
                let said = self.explained(&code, said.message());
                self.error(kind, format!("{address}: {said}"))
            }
            sqlx::Error::Tls(_) => self.distrusted(error, address),
            // How the driver passes on that the handshake failed.
            sqlx::Error::Io(why) if why.kind() == std::io::ErrorKind::InvalidData => {
                self.distrusted(error, address)
            }
            sqlx::Error::Io(_) | sqlx::Error::PoolTimedOut => {
                self.error(StoreErrorKind::Unavailable, format!("{address}: {error}"))
            }
            _ => self.error(StoreErrorKind::Misconfigured, format!("{address}: {error}")),
        }
    }

    fn distrusted(&self, error: &sqlx::Error, address: &str) -> StoreError {
        let remedy = "the server has to show a certificate for its host name: see `sslrootcert` \
             and `sslmode`";
        self.error(StoreErrorKind::Misconfigured, format!("{address}: {error} ({remedy})"))
    }

    /// What it means that a statement failed that was sent.
    pub(crate) fn failed(&self, error: &sqlx::Error) -> StoreError {
        match error {
            sqlx::Error::Database(said) => {
                let code = said.code().unwrap_or_default();
                let kind = match &*code {
                    READ_ONLY => self.kind_of_role(),
                    _ => kind_of_code(&code).unwrap_or_else(|| self.unanswered()),
                };
                self.error(kind, self.explained(&code, said.message()))
            }
            sqlx::Error::ColumnDecode { .. }
            | sqlx::Error::ColumnNotFound(_)
            | sqlx::Error::Decode(_) => self.error(StoreErrorKind::Corrupt, error.to_string()),
            _ => self.error(self.unanswered(), error.to_string()),
        }
    }

    /// What it means that no answer came to a statement that was sent.
    pub(crate) const fn unanswered(&self) -> StoreErrorKind {
        match self.effect {
            Effect::Reads => StoreErrorKind::Unavailable,
            Effect::Writes => StoreErrorKind::Unknown,
        }
    }

    /// What the server said, with what is to be done about it.
    fn explained(&self, code: &str, message: &str) -> String {
        let schema = self.schema;
        let remedy = match code {
            "42501" => format!(
                " (the role needs usage on schema {schema} and select, insert, update and delete \
                 on its tables; to make them it needs create on the database)"
            ),
            "42P01" | "3F000" | "42703" => {
                format!(
                    " (is schema {schema} in this database? `prepare` makes it, as the first \
                     worker does)"
                )
            }
            READ_ONLY => self.remedy_of_role().to_owned(),
            "53300" => " (raise max_connections, or lower `connections`)".to_owned(),
            "08P01" if message.contains("startup parameter") => format!(" ({POOLER})"),
            _ => String::new(),
        };
        format!("{message} [{code}]{remedy}")
    }
}

/// A server that only reads, or only does so while it recovers.
const READ_ONLY: &str = "25006";

/// Whether an answer shows that the server is not, or no longer, the one that serves: it only
/// reads, goes down, or does not serve yet. Where the address leads is then to be asked anew.
pub(crate) fn lost_its_role(error: &sqlx::Error) -> bool {
    let code = error.as_database_error().and_then(|said| said.code());
    matches!(code.as_deref(), Some(READ_ONLY | "57P01" | "57P02" | "57P03"))
}

/// Whether a connection is good for more after this error. Otherwise it is closed by being dropped.
pub(crate) fn outlived(error: &sqlx::Error) -> bool {
    let said = error.as_database_error().and_then(|said| said.try_downcast_ref());
    let failed = said.is_some_and(|said: &PgDatabaseError| said.severity() == PgSeverity::Error);
    failed && !lost_its_role(error)
}

/// What an SQLSTATE means; `None` if the statement may have been applied, or may still be.
fn kind_of_code(code: &str) -> Option<StoreErrorKind> {
    Some(match code {
        "42501" => StoreErrorKind::Denied,
        // No such schema or table.
        "3F000" | "42P01" => StoreErrorKind::Missing,
        // A connection whose settings were refused on the way.
        "08P01" => StoreErrorKind::Misconfigured,
        // Given up, in conflict or at a limit: a failed statement is undone as a whole. (57P05: the
        // connection was closed for having been idle.)
        "57014" | "57P03" | "57P05" | READ_ONLY => StoreErrorKind::Unavailable,
        _ => match code.get(..2)? {
            "28" => StoreErrorKind::Denied,
            "40" | "53" | "55" => StoreErrorKind::Unavailable,
            // No such database or function; a value or row that does not fit.
            "0A" | "22" | "23" | "3D" | "3F" | "42" => StoreErrorKind::Misconfigured,
            _ => return None,
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_certainly_was_not_done_counts_as_such() {
        use StoreErrorKind::{Denied, Misconfigured, Missing, Unavailable};
        let expected = [
            ("28P01", Some(Denied)),
            ("42501", Some(Denied)),
            ("25006", Some(Unavailable)),
            ("42P01", Some(Missing)),
            ("3F000", Some(Missing)),
            ("42703", Some(Misconfigured)),
            ("3D000", Some(Misconfigured)),
            ("57014", Some(Unavailable)),
            ("57P03", Some(Unavailable)),
            ("53300", Some(Unavailable)),
            ("40001", Some(Unavailable)),
            ("55P03", Some(Unavailable)),
            // The server went down with the statement under way.
            ("57P01", None),
            ("57P02", None),
            ("08006", None),
            ("XX000", None),
            ("", None),
        ];
        for (code, kind) in expected {
            assert_eq!(kind_of_code(code), kind, "{code}");
        }
    }

    #[test]
    fn a_lost_connection_leaves_a_write_unknown_and_a_read_undone() {
        let schema = Schema::parse("kcl").unwrap();
        let call = |effect| Call { op: "advance", schema: &schema, row: "a/1/b", effect };
        let lost = || sqlx::Error::Io(std::io::ErrorKind::UnexpectedEof.into());
        assert_eq!(call(Effect::Writes).failed(&lost()).kind, StoreErrorKind::Unknown);
        assert_eq!(call(Effect::Reads).failed(&lost()).kind, StoreErrorKind::Unavailable);
        assert_eq!(
            call(Effect::Writes).unconnected(&lost(), "postgres://db").kind,
            StoreErrorKind::Unavailable
        );
        let said = call(Effect::Writes).failed(&lost()).to_string();
        assert!(said.contains("a/1/b in schema \"kcl\""), "{said}");
    }

    #[test]
    fn a_server_that_follows_is_waited_for_and_refused_at_the_start() {
        let schema = Schema::parse("kcl").unwrap();
        let said = |op| {
            let call = Call { op, schema: &schema, row: "", effect: Effect::Reads };
            let error = call.unmade(&ConnectError::Follows, "postgres://db:5432/orders");
            (error.kind, error.source.unwrap().to_string())
        };
        let (kind, why) = said("beat");
        assert_eq!(kind, StoreErrorKind::Unavailable);
        assert!(why.contains("postgres://db:5432/orders: this server follows another"), "{why}");
        let (kind, why) = said(PREPARE);
        assert_eq!(kind, StoreErrorKind::Misconfigured);
        assert!(why.contains("give the address of the primary"), "{why}");
    }
}
