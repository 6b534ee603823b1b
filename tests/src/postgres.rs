//! Helpers for tests on PostgreSQL.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail the test")]

use std::time::Duration;

use kcl_core::{
    settings::{Coordination, Settings},
    store::StoreError,
};
use sqlx::{AssertSqlSafe, ConnectOptions, PgConnection, postgres::PgConnectOptions};

use crate::servers::Postgres;

/// A connection of the superuser.
///
/// # Panics
/// The server takes no connection.
pub async fn superuser(server: &Postgres) -> PgConnection {
    server.url().parse::<PgConnectOptions>().unwrap().connect().await.unwrap()
}

/// Runs SQL statements.
///
/// # Panics
/// A statement fails.
pub async fn run(connection: &mut PgConnection, sql: &str) {
    sqlx::raw_sql(AssertSqlSafe(sql)).execute(connection).await.unwrap();
}

/// The cause of a store's error as text; empty if it has none.
#[must_use]
pub fn cause(error: &StoreError) -> String {
    error.source.as_ref().map(ToString::to_string).unwrap_or_default()
}

/// Settings with short times, for tests on real time: a session timeout of 1.5 seconds.
#[must_use]
pub fn short_settings() -> Settings {
    let mut coordination = Coordination::default();
    coordination.session_timeout = Duration::from_millis(1_500);
    coordination.heartbeat_interval = Duration::from_millis(300);
    coordination.clock_guard = Duration::from_millis(100);
    coordination.watch_interval = Duration::from_millis(300);
    coordination.fast_poll = Duration::from_millis(50);
    coordination.wake_poll = Duration::from_millis(60);
    coordination.shard_sync_interval = Duration::from_secs(1);
    coordination.checkpoint_interval = Duration::from_millis(200);
    let mut settings = Settings::default();
    settings.coordination = coordination;
    settings
}
