//! Connections: made when they are needed, in lanes that do not starve each other, and left when
//! their server loses its role.
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
    store::{Era, Eras, StoreErrorKind, StoreResult},
};
use sqlx::{
    AssertSqlSafe, ConnectOptions, Connection, PgConnection, Postgres,
    postgres::{PgArguments, PgConnectOptions, PgRow},
    query::Query,
};
use tokio::sync::{Semaphore, SemaphorePermit};

use crate::{
    connection::Held,
    deadline::within,
    error::{Call, lost_its_role, outlived},
    greeting::{Role, greet, tells_timeline},
    unfinished::{Connecting, Unfinished},
};

/// A statement with its values.
pub(crate) type Statement = Query<'static, Postgres, PgArguments>;

/// A statement of ours: its text holds no value but the name of the schema, which was checked.
pub(crate) fn statement(sql: String) -> Statement {
    sqlx::query(AssertSqlSafe(sql))
}

/// Which connections an operation uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PoolKind {
    /// What keeps a session alive.
    Beats,
    /// Everything else.
    Work,
}

/// Why connections are left on which no answer came.
pub(crate) const SILENT: &str = "it does not answer";
/// Why those are left whose server does not write any more.
pub(crate) const ONLY_READS: &str = "it only reads";

/// Beats under way at once: one, and retries while its answer is late.
const BEATS_AT_ONCE: usize = 3;

/// The connections of one store.
pub(crate) struct Connections {
    options: PgConnectOptions,
    beats: Pool,
    work: Pool,
    eras: Arc<Eras>,
    operation_timeout: Duration,
    /// Whether the server tells its timeline. Aurora does not.
    tells_timeline: Arc<AtomicBool>,
}

/// Connections that wait for use, and how many there may be.
struct Pool {
    places: Semaphore,
    idle: Mutex<Vec<Held>>,
    unfinished: Unfinished,
}

impl Pool {
    fn new(places: usize) -> Self {
        let (idle, unfinished) = (Mutex::default(), Unfinished::default());
        Self { places: Semaphore::new(places), idle, unfinished }
    }

    fn take(&self) -> Option<Held> {
        self.idle().pop()
    }

    /// Closes those that wait and were made in an era that is over.
    fn let_go(&self, eras: &Eras) {
        self.idle().retain(|held| eras.lasts(held.era));
    }

    fn put(&self, held: Held, eras: &Eras) {
        if eras.lasts(held.era) {
            self.idle().push(held);
        }
    }

    fn close_idle(&self) {
        self.idle().clear();
    }

    fn idle(&self) -> MutexGuard<'_, Vec<Held>> {
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
        let (beats, work) = (Pool::new(BEATS_AT_ONCE), Pool::new(most));
        let (eras, tells_timeline) = (Arc::default(), Arc::new(AtomicBool::new(true)));
        Self { options, beats, work, eras, operation_timeout, tells_timeline }
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

    /// Leaves every connection of an era if an answer on one shows that the server lost its role.
    pub(crate) fn judge(&self, era: Era, error: &sqlx::Error) {
        if lost_its_role(error) {
            self.leave(era, &error.to_string());
        }
    }

    fn leave(&self, era: Era, why: &str) {
        self.eras.end(era, &self.address(), why);
        self.let_go();
    }

    /// Closes what waits of eras that are over, in every lane: one may have nothing to do for long.
    fn let_go(&self) {
        self.beats.let_go(&self.eras);
        self.work.let_go(&self.eras);
    }

    pub(crate) const fn eras(&self) -> &Arc<Eras> {
        &self.eras
    }

    pub(crate) fn tells_timeline(&self) -> bool {
        self.tells_timeline.load(Ordering::Relaxed)
    }

    /// Carries out a statement, for at most the operation timeout.
    pub(crate) async fn ask(
        &self,
        call: Call<'_>,
        kind: PoolKind,
        statement: Statement,
    ) -> StoreResult<Vec<PgRow>> {
        let pool = match kind {
            PoolKind::Beats => &self.beats,
            PoolKind::Work => &self.work,
        };
        let deadline = Env::system().clock.now() + self.operation_timeout;
        let (mut held, _place) = self.connection(call, pool, deadline).await?;
        let era = held.era;
        // A connection that is dead is not kept for long by those who went away.
        let until = Env::system().clock.now() + self.operation_timeout / 2;
        let asking = Box::pin(async move {
            let answer = statement.fetch_all(&mut held.connection).await;
            (held, answer)
        });
        let answer = pool.unfinished.ask(asking, era, until, deadline).await;
        let Some((held, answer)) = answer else {
            if Env::system().clock.now() >= until {
                // Nor do those answer that wait, more likely than not.
                self.leave(era, SILENT);
            }
            return Err(call.error(call.unanswered(), self.no_answer()));
        };
        match &answer {
            Err(error) if lost_its_role(error) => self.judge(era, error),
            // Those that waited broke with it, more likely than not.
            Err(error) if !outlived(error) => pool.close_idle(),
            _ => pool.put(held, &self.eras),
        }
        answer.map_err(|error| call.failed(&error))
    }

    async fn connection<'a>(
        &self,
        call: Call<'_>,
        pool: &'a Pool,
        deadline: Time,
    ) -> StoreResult<(Held, SemaphorePermit<'a>)> {
        let late = || call.error(StoreErrorKind::Unavailable, self.no_answer());
        let Some(Ok(place)) = within(deadline, pool.places.acquire()).await else {
            return Err(late());
        };
        Ok((self.taken_or_made(call, pool, deadline).await?, place))
    }

    async fn taken_or_made(
        &self,
        call: Call<'_>,
        pool: &Pool,
        deadline: Time,
    ) -> StoreResult<Held> {
        let now = Env::system().clock.now();
        if let Some(era) = pool.unfinished.give_up(now) {
            self.leave(era, SILENT);
        }
        self.let_go();
        if let Some(held) = pool.take() {
            return Ok(held);
        }
        if let Some(held) = pool.unfinished.finish(deadline).await
            && self.eras.lasts(held.era)
        {
            return Ok(held);
        }
        let connecting = pool.unfinished.make(self.make(), deadline, deadline);
        match connecting.await {
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
        let held = self.taken_or_made(call, &self.work, deadline).await?;
        Ok(CheckedOut { held, connections: self, _place: place })
    }

    /// A new connection, which is the server's own.
    pub(crate) async fn connect(&self, call: Call<'_>) -> StoreResult<PgConnection> {
        let made = self.make().await.map_err(|unmade| call.unmade(&unmade, &self.address()));
        Ok(made?.connection)
    }

    fn make(&self) -> Connecting {
        let (options, mark) = self.marked();
        let (tells, eras) = (Arc::clone(&self.tells_timeline), Arc::clone(&self.eras));
        // Where the address leads is asked after this: an era that ends meanwhile may be its own.
        let (era, address) = (eras.now(), self.address());
        Box::pin(async move {
            let mut connection = options.connect().await?;
            if greet(&mut connection, &mark).await? != Role::Writes {
                eras.end(era, &address, ONLY_READS);
            }
            if let Some(told) = tells_timeline(&mut connection).await? {
                tells.store(told, Ordering::Relaxed);
            }
            Ok(Held { connection, era })
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
    pub(crate) held: Held,
    connections: &'a Connections,
    _place: SemaphorePermit<'a>,
}

impl CheckedOut<'_> {
    /// Gives it back: nothing is under way on it.
    pub(crate) fn give_back(self) {
        self.connections.work.put(self.held, &self.connections.eras);
    }

    /// The same after a failure that others judge: it may be that the server only reads by now.
    pub(crate) async fn look_and_give_back(mut self) {
        let deadline = Env::system().clock.now() + self.connections.operation_timeout;
        match within(deadline, Role::ask(&mut self.held.connection)).await {
            Some(Ok(Role::Writes)) => self.give_back(),
            _ => self.connections.leave(self.held.era, ONLY_READS),
        }
    }
}

/// The password is no part of it.
impl fmt::Debug for Connections {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connections").field("address", &self.address()).finish_non_exhaustive()
    }
}
