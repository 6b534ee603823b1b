//! Checks a new connection before its first use: it leads to the server itself, and the server is
//! no standby.

use sqlx::{PgConnection, Postgres, Row};

use crate::connection::ConnectError;

/// The role of the server for this connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// The server reads and writes.
    Writes,
    /// A primary with `default_transaction_read_only`: it takes no writes, but its rows are
    /// current.
    Reads,
    /// A standby: its rows may be old.
    Follows,
}

/// The columns that show the role: whether the server is in recovery, and whether the transaction
/// is read-only.
const ROLE: &str = "pg_is_in_recovery(), current_setting('transaction_read_only') = 'on'";

impl Role {
    /// The role from the columns [`ROLE`], of which `from` is the place of the first.
    fn of(answer: &sqlx::postgres::PgRow, from: usize) -> sqlx::Result<Self> {
        let (follows, reads): (bool, bool) = (answer.try_get(from)?, answer.try_get(from + 1)?);
        Ok(match (follows, reads) {
            (true, _) => Self::Follows,
            (false, true) => Self::Reads,
            (false, false) => Self::Writes,
        })
    }

    /// Asks the server for its role.
    pub(crate) async fn ask<'c>(
        connection: impl sqlx::Executor<'c, Database = Postgres>,
    ) -> sqlx::Result<Self> {
        let ask = sqlx::AssertSqlSafe(format!("select {ROLE}"));
        Self::of(&sqlx::raw_sql(ask).fetch_one(connection).await?, 0)
    }
}

/// Checks that a connection leads to the server itself (it shows `mark`), and that the server is no
/// standby. Turns `synchronous_commit` on if it is off, so that commits are durable.
///
/// It sends one simple query and no prepared statement, because a pooler would break those.
///
/// # Errors
/// [`ConnectError::Pooled`], [`ConnectError::Follows`], or a failed query.
pub(crate) async fn greet<'c>(
    connection: impl sqlx::Executor<'c, Database = Postgres>,
    mark: &str,
) -> Result<Role, ConnectError> {
    let greeting = sqlx::AssertSqlSafe(format!(
        "select current_setting('kcl.connection', true), {ROLE}, \
         set_config('synchronous_commit', case current_setting('synchronous_commit') \
         when 'off' then 'on' else current_setting('synchronous_commit') end, false)"
    ));
    let answer = sqlx::raw_sql(greeting).fetch_one(connection).await?;
    let shown: Option<String> = answer.try_get(0)?;
    if shown.as_deref() != Some(mark) {
        return Err(ConnectError::Pooled);
    }
    match Role::of(&answer, 1)? {
        Role::Follows => Err(ConnectError::Follows),
        role => Ok(role),
    }
}

/// True if the server reports its timeline. `None` if this answer does not decide it.
pub(crate) async fn tells_timeline(connection: &mut PgConnection) -> sqlx::Result<Option<bool>> {
    match sqlx::raw_sql("select pg_walfile_name(pg_current_wal_lsn())").execute(connection).await {
        Ok(_) => Ok(Some(true)),
        Err(sqlx::Error::Database(said)) => Ok(tells_no_timeline(&said.code().unwrap_or_default())),
        Err(error) => Err(error),
    }
}

/// Interprets the SQLSTATE of a server that did not report its timeline: `Some(false)` if it never
/// reports one. `None` for a temporary failure, which must not change the store's generation.
fn tells_no_timeline(code: &str) -> Option<bool> {
    match code.get(..2) {
        // Among them 55000, of a server in recovery.
        Some("08" | "25" | "40" | "53" | "55" | "57" | "58") | None => None,
        Some(_) => Some(false),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_that_fails_just_now_is_not_taken_for_one_that_never_tells_its_timeline() {
        for busy in ["53200", "57014", "57P01", "58000", "08006", "40001", "55000", ""] {
            assert_eq!(tells_no_timeline(busy), None, "{busy}");
        }
        for never in ["0A000", "42501", "42883"] {
            assert_eq!(tells_no_timeline(never), Some(false), "{never}");
        }
    }
}
