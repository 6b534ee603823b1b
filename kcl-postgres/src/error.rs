//! Classifies failed calls: the kind of each decides what the caller does.
//!
//! The important question is whether a write may have been applied: SQLSTATEs of failures that
//! PostgreSQL undoes as a whole prove that it was not ([`kind_of_code`]).

use kcl_core::store::{StoreError, StoreErrorKind};
use sqlx::postgres::{PgDatabaseError, PgSeverity};

use crate::{connection::ConnectError, layout::Schema};

/// Whether a call reads or writes: a write without an answer may have been applied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Effect {
    Reads,
    Writes,
}

/// A call under way, with the texts for its errors.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Call<'a> {
    /// The operation, as [`kcl_core::store::LeaseStore`] names it.
    pub(crate) op: &'static str,
    pub(crate) schema: &'a Schema,
    /// The key of the row; empty for a listing.
    pub(crate) row: &'a str,
    pub(crate) effect: Effect,
}

/// The operation that a worker calls before all others. A server that takes no writes is an error
/// of the configuration there, and temporary everywhere else.
pub(crate) const PREPARE: &str = "prepare";

/// The text about a standby.
const FOLLOWS: &str =
    "this server follows another one: it takes no writes, and its rows may be old";

/// The text about a pooler in transaction mode.
const POOLER: &str = "between this worker and the server stands a pooler that does not \
    pass on the settings of a connection, like PgBouncer. With transactions of several clients on \
    one connection, prepared statements give the answers of others and wake-ups are lost: connect \
    to the server itself";

impl Call<'_> {
    /// Makes an error of `kind`, with `why` as its cause.
    pub(crate) fn error(&self, kind: StoreErrorKind, why: impl Into<String>) -> StoreError {
        let key = match self.row {
            "" => format!("schema {}", self.schema),
            row => format!("{row} in schema {}", self.schema),
        };
        StoreError::new(kind, self.op, key).caused_by(why.into())
    }

    /// Makes the error of a call for which no connection could be made. Nothing was sent.
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

    /// The kind of the error about a server that takes no writes. While a worker runs, the address
    /// may soon lead to the primary. At the start of a worker the address is probably wrong.
    fn kind_of_role(&self) -> StoreErrorKind {
        if self.op == PREPARE { StoreErrorKind::Misconfigured } else { StoreErrorKind::Unavailable }
    }

    /// The remedy for a server that takes no writes.
    fn remedy_of_role(&self) -> &'static str {
        if self.op == PREPARE {
            " (give the address of the primary server; where `default_transaction_read_only` is \
             on for this server, database or role, turn it off; during a failover, start again \
             when it is over)"
        } else {
            " (writes need the primary server: the address is asked for it again and again)"
        }
    }

    /// The error about a server that takes no writes.
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
            // The driver's error of a failed TLS handshake.
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

    /// Makes the error of a statement that was sent and failed.
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

    /// The kind of a statement that was sent and may have been applied.
    pub(crate) const fn unanswered(&self) -> StoreErrorKind {
        match self.effect {
            Effect::Reads => StoreErrorKind::Unavailable,
            Effect::Writes => StoreErrorKind::Unknown,
        }
    }

    /// The server's message with its SQLSTATE, and with the remedy if there is one.
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

/// The SQLSTATE of a write on a standby or in a read-only transaction.
const READ_ONLY: &str = "25006";

/// True if an answer shows that the server is not the primary, or not any more: it takes no writes
/// (25006), shuts down (57P01, 57P02) or does not serve yet (57P03). The store then drops all
/// connections and resolves the host name again.
pub(crate) fn lost_its_role(error: &sqlx::Error) -> bool {
    let code = error.as_database_error().and_then(|said| said.code());
    matches!(code.as_deref(), Some(READ_ONLY | "57P01" | "57P02" | "57P03"))
}

/// True if the connection can be used after this error. Otherwise the caller drops it.
pub(crate) fn outlived(error: &sqlx::Error) -> bool {
    let said = error.as_database_error().and_then(|said| said.try_downcast_ref());
    let failed = said.is_some_and(|said: &PgDatabaseError| said.severity() == PgSeverity::Error);
    failed && !lost_its_role(error)
}

/// The kind of an SQLSTATE; `None` if the statement may have been applied, or may be later.
fn kind_of_code(code: &str) -> Option<StoreErrorKind> {
    Some(match code {
        "42501" => StoreErrorKind::Denied,
        // The schema or the table does not exist.
        "3F000" | "42P01" => StoreErrorKind::Missing,
        // A pooler has refused a setting of the connection.
        "08P01" => StoreErrorKind::Misconfigured,
        // The server cancelled the statement, does not serve yet, or closed the idle connection
        // (57P05). A failed statement has no effect.
        "57014" | "57P03" | "57P05" | READ_ONLY => StoreErrorKind::Unavailable,
        _ => match code.get(..2)? {
            "28" => StoreErrorKind::Denied,
            "40" | "53" | "55" => StoreErrorKind::Unavailable,
            // A missing database or function, or a value that does not fit.
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
            // The server was shut down during the statement.
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
