//! What a new connection has to show before it is used.

use sqlx::{PgConnection, Postgres, Row};

use crate::connection::ConnectError;

/// What a server does for this connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// It reads and writes.
    Writes,
    /// It only reads (`default_transaction_read_only`): its own rows, which are as good as any
    /// while the address leads to it.
    Reads,
    /// It follows another server, whose later rows it may not have.
    Follows,
}

/// What a server says of its role: recovery, and whether transactions only read.
const ROLE: &str = "pg_is_in_recovery(), current_setting('transaction_read_only') = 'on'";

impl Role {
    fn of(answer: &sqlx::postgres::PgRow, from: usize) -> sqlx::Result<Self> {
        let (follows, reads): (bool, bool) = (answer.try_get(from)?, answer.try_get(from + 1)?);
        Ok(match (follows, reads) {
            (true, _) => Self::Follows,
            (false, true) => Self::Reads,
            (false, false) => Self::Writes,
        })
    }

    /// Asks for it.
    pub(crate) async fn ask<'c>(
        connection: impl sqlx::Executor<'c, Database = Postgres>,
    ) -> sqlx::Result<Self> {
        let ask = sqlx::AssertSqlSafe(format!("select {ROLE}"));
        Self::of(&sqlx::raw_sql(ask).fetch_one(connection).await?, 0)
    }
}

/// Checks that a connection is the server's own, that commits on it are durable, and that the
/// server follows no other.
///
/// One message, which a pooler passes on whole: prepared statements cannot be trusted yet.
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

/// Whether the server tells its timeline; `None` if that cannot be told yet.
pub(crate) async fn tells_timeline(connection: &mut PgConnection) -> sqlx::Result<Option<bool>> {
    match sqlx::raw_sql("select pg_walfile_name(pg_current_wal_lsn())").execute(connection).await {
        Ok(_) => Ok(Some(true)),
        Err(sqlx::Error::Database(said)) => Ok(tells_no_timeline(&said.code().unwrap_or_default())),
        Err(error) => Err(error),
    }
}

/// What it means that the server refuses to tell its timeline with this SQLSTATE: that it never
/// tells, or nothing. A server that is short of something now, or going down, would else seem to
/// have another history.
fn tells_no_timeline(code: &str) -> Option<bool> {
    match code.get(..2) {
        // 55000: it would, if it were not recovering.
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
