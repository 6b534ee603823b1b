//! Connections: made when they are needed, in lanes that do not starve each other.
//!
//! Not the driver's pool: that one hides why it could not connect, and takes back connections whose
//! call was dropped half way.

use std::{
    fmt,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use kcl_core::{
    env::{Env, Time},
    store::{StoreErrorKind, StoreResult},
};
use sqlx::{
    AssertSqlSafe, ConnectOptions, Connection, PgConnection, Postgres, Row,
    postgres::{PgArguments, PgConnectOptions, PgDatabaseError, PgRow, PgSeverity},
    query::Query,
};
use tokio::sync::{Semaphore, SemaphorePermit};

use crate::{
    error::Call,
    unfinished::{Making, Unfinished, Unmade},
};

/// A statement with its values.
pub(crate) type Statement = Query<'static, Postgres, PgArguments>;

/// A statement of ours: its text holds no value but the name of the schema, which was checked.
pub(crate) fn statement(sql: String) -> Statement {
    sqlx::query(AssertSqlSafe(sql))
}

/// Which connections an operation uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lane {
    /// What keeps a session alive.
    Beats,
    /// Everything else.
    Work,
}

/// Beats under way at once: one, and retries while its answer is late.
const BEATS_AT_ONCE: usize = 3;

/// The connections of one store.
pub(crate) struct Connections {
    options: PgConnectOptions,
    beats: Spare,
    work: Spare,
    operation_timeout: Duration,
    /// Whether the server tells its timeline. Aurora does not.
    tells_timeline: Arc<AtomicBool>,
}

/// Connections that wait for use, and how many there may be.
struct Spare {
    places: Semaphore,
    idle: Mutex<Vec<PgConnection>>,
    unfinished: Unfinished,
}

impl Spare {
    fn new(places: usize) -> Self {
        let (idle, unfinished) = (Mutex::default(), Unfinished::default());
        Self { places: Semaphore::new(places), idle, unfinished }
    }

    fn take(&self) -> Option<PgConnection> {
        self.idle().pop()
    }

    fn put(&self, connection: PgConnection) {
        self.idle().push(connection);
    }

    fn close_idle(&self) {
        self.idle().clear();
    }

    fn idle(&self) -> MutexGuard<'_, Vec<PgConnection>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Connections {
    pub(crate) fn new(
        options: PgConnectOptions,
        most: usize,
        operation_timeout: Duration,
        statement_timeout: Option<Duration>,
    ) -> Self {
        // A role may have another default; under it a conflict would be an error.
        let isolated = options.options([("default_transaction_isolation", "read committed")]);
        let limit = statement_timeout.map(|limit| format!("{}ms", limit.as_millis()));
        let options = isolated.options(limit.map(|limit| ("statement_timeout", limit)));
        let (beats, work) = (Spare::new(BEATS_AT_ONCE), Spare::new(most));
        let tells_timeline = Arc::new(AtomicBool::new(true));
        Self { options, beats, work, operation_timeout, tells_timeline }
    }

    /// Where the server is, without user and password.
    pub(crate) fn address(&self) -> String {
        let options = &self.options;
        let database = options.get_database().unwrap_or_else(|| options.get_username());
        format!("postgres://{}:{}/{database}", options.get_host(), options.get_port())
    }

    pub(crate) const fn operation_timeout(&self) -> Duration {
        self.operation_timeout
    }

    pub(crate) fn tells_timeline(&self) -> bool {
        self.tells_timeline.load(Ordering::Relaxed)
    }

    /// Carries out a statement, for at most the operation timeout.
    pub(crate) async fn ask(
        &self,
        call: Call<'_>,
        lane: Lane,
        statement: Statement,
    ) -> StoreResult<Vec<PgRow>> {
        let spare = match lane {
            Lane::Beats => &self.beats,
            Lane::Work => &self.work,
        };
        let deadline = Env::system().clock.now() + self.operation_timeout;
        let (mut connection, _place) = self.connection(call, spare, deadline).await?;
        // A connection that is dead is not kept for long by those who went away.
        let until = Env::system().clock.now() + self.operation_timeout / 2;
        let asking = Box::pin(async move {
            let answer = statement.fetch_all(&mut connection).await;
            (connection, answer)
        });
        let Some((connection, answer)) = spare.unfinished.ask(asking, until, deadline).await else {
            return Err(call.error(call.unanswered(), self.no_answer()));
        };
        if answer.as_ref().err().is_none_or(outlived) {
            spare.put(connection);
        } else {
            // Those that waited broke with it, more likely than not.
            spare.close_idle();
        }
        answer.map_err(|error| call.failed(&error))
    }

    async fn connection<'a>(
        &self,
        call: Call<'_>,
        spare: &'a Spare,
        deadline: Time,
    ) -> StoreResult<(PgConnection, SemaphorePermit<'a>)> {
        let late = || call.error(StoreErrorKind::Unavailable, self.no_answer());
        let Some(Ok(place)) = within(deadline, spare.places.acquire()).await else {
            return Err(late());
        };
        Ok((self.taken_or_made(call, spare, deadline).await?, place))
    }

    async fn taken_or_made(
        &self,
        call: Call<'_>,
        spare: &Spare,
        deadline: Time,
    ) -> StoreResult<PgConnection> {
        if let Some(connection) = spare.take() {
            return Ok(connection);
        }
        let now = Env::system().clock.now();
        if let Some(connection) = spare.unfinished.finish(now, deadline).await {
            return Ok(connection);
        }
        let making = spare.unfinished.make(self.make(), deadline, deadline);
        match making.await {
            Some(made) => made.map_err(|unmade| call.unmade(&unmade, &self.address())),
            None => Err(call.error(StoreErrorKind::Unavailable, self.no_answer())),
        }
    }

    fn no_answer(&self) -> String {
        format!("{} did not answer within {:?}", self.address(), self.operation_timeout)
    }

    /// A connection for a transaction, waiting for one if all are in use. Unless it is given back
    /// it is closed, and what it was doing undone.
    pub(crate) async fn check_out(&self, call: Call<'_>) -> StoreResult<CheckedOut<'_>> {
        let place = self.work.places.acquire().await;
        let place = place.map_err(|_| call.error(StoreErrorKind::Unavailable, "closed"))?;
        let deadline = Env::system().clock.now() + self.operation_timeout;
        let connection = self.taken_or_made(call, &self.work, deadline).await?;
        Ok(CheckedOut { connection, spare: &self.work, _place: place })
    }

    /// A new connection, which is the server's own.
    pub(crate) async fn connect(&self, call: Call<'_>) -> StoreResult<PgConnection> {
        self.make().await.map_err(|unmade| call.unmade(&unmade, &self.address()))
    }

    fn make(&self) -> Making {
        let (options, mark) = self.marked();
        let tells_timeline = Arc::clone(&self.tells_timeline);
        Box::pin(async move {
            let mut connection = options.connect().await?;
            greet(&mut connection, &mark).await?;
            if let Some(tells) = finds_timeline(&mut connection).await? {
                tells_timeline.store(tells, Ordering::Relaxed);
            }
            Ok(connection)
        })
    }

    /// The options with a mark, which only the server that was connected to can show.
    pub(crate) fn marked(&self) -> (PgConnectOptions, String) {
        let mark = format!("{:016x}", Env::system().entropy.next_u64());
        (self.options.clone().options([("kcl.connection", &mark)]), mark)
    }

    /// Closes the connection in good order; nothing hangs on it.
    pub(crate) async fn close(connection: PgConnection) {
        drop(connection.close().await);
    }
}

/// A connection in use by a transaction.
pub(crate) struct CheckedOut<'a> {
    pub(crate) connection: PgConnection,
    spare: &'a Spare,
    _place: SemaphorePermit<'a>,
}

impl CheckedOut<'_> {
    /// Gives it back: nothing is under way on it.
    pub(crate) fn give_back(self) {
        self.spare.put(self.connection);
    }
}

/// Checks that a connection is the server's own, and that commits on it are durable.
///
/// One message, which a pooler passes on whole: prepared statements cannot be trusted yet.
pub(crate) async fn greet<'c>(
    connection: impl sqlx::Executor<'c, Database = Postgres>,
    mark: &str,
) -> Result<(), Unmade> {
    const GREETING: &str = "select current_setting('kcl.connection', true), \
        set_config('synchronous_commit', case current_setting('synchronous_commit') \
        when 'off' then 'on' else current_setting('synchronous_commit') end, false)";
    let answer = sqlx::raw_sql(GREETING).fetch_one(connection).await?;
    let shown: Option<String> = answer.try_get(0)?;
    if shown.as_deref() == Some(mark) { Ok(()) } else { Err(Unmade::Pooled) }
}

/// Whether the server tells its timeline; `None` if that cannot be told yet.
async fn finds_timeline(connection: &mut PgConnection) -> sqlx::Result<Option<bool>> {
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
        // 55000: a standby, whose writes fail with a better message.
        Some("08" | "25" | "40" | "53" | "55" | "57" | "58") | None => None,
        Some(_) => Some(false),
    }
}

/// Whether a connection is good for more after this error. Otherwise it is closed by being dropped.
pub(crate) fn outlived(error: &sqlx::Error) -> bool {
    let said = error.as_database_error().and_then(|said| said.try_downcast_ref());
    said.is_some_and(|said: &PgDatabaseError| said.severity() == PgSeverity::Error)
}

/// The outcome of `work`, unless the deadline comes first.
pub(crate) async fn within<T>(deadline: Time, work: impl Future<Output = T>) -> Option<T> {
    let clock = Env::system().clock;
    tokio::select! {
        biased;
        outcome = work => Some(outcome),
        () = clock.sleep_until(deadline) => None,
    }
}

/// The password is no part of it.
impl fmt::Debug for Connections {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connections").field("address", &self.address()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_that_fails_just_now_is_not_taken_for_one_that_never_tells_its_timeline() {
        for busy in ["57014", "57P01", "53200", "53300", "40001", "55000", "58030", "08006", ""] {
            assert_eq!(tells_no_timeline(busy), None, "{busy}");
        }
        for never in ["0A000", "42883", "42501", "XX000"] {
            assert_eq!(tells_no_timeline(never), Some(false), "{never}");
        }
    }
}
