//! The connections of a store: made when needed, in two pools that do not starve each other, and
//! dropped when their server is no longer the primary.
//!
//! - *Pools*: beats have a pool of their own, so that other work delays no beat.
//! - *Eras*: each connection belongs to an era ([`Eras`]). An answer that shows that the server
//!   lost its role, or a statement without an answer, ends the era, and the store uses no
//!   connection of it any more.
//! - *Unfinished work*: the next caller continues a connection attempt or a statement whose caller
//!   was dropped ([`Unfinished`]).
//!
//! The driver's own pool is not used, because it hides the reason of a failed connection, and
//! reuses connections whose call was dropped half way.

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

/// Makes a statement from one of our texts. It contains no value except the name of the schema,
/// which was checked.
pub(crate) fn statement(sql: String) -> Statement {
    sqlx::query(AssertSqlSafe(sql))
}

/// The pool that an operation uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PoolKind {
    /// Registrations and beats, which keep a session alive.
    Beats,
    /// Every other operation.
    Work,
}

/// The logged reason for leaving a server that does not answer.
pub(crate) const SILENT: &str = "it does not answer";
/// The logged reason for leaving a server that takes no writes.
pub(crate) const ONLY_READS: &str = "it only reads";

/// The connections for beats: one, and two for repeated beats while an answer is late.
const BEATS_AT_ONCE: usize = 3;

/// The connections of one store.
pub(crate) struct Connections {
    options: PgConnectOptions,
    beats: Pool,
    work: Pool,
    eras: Arc<Eras>,
    operation_timeout: Duration,
    /// Whether the server reports its timeline. Aurora does not.
    tells_timeline: Arc<AtomicBool>,
}

/// Connections for one kind of operations.
struct Pool {
    /// Limits the connections in use.
    places: Semaphore,
    /// The connections that are not in use.
    idle: Mutex<Vec<Held>>,
    /// Connection attempts and statements whose callers were dropped.
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

    /// Closes the idle connections of eras that are over.
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
        // The role may have another default, under which a conflict of writes is an error.
        let isolated = options.options([("default_transaction_isolation", "read committed")]);
        let limit = statement_timeout.map(|limit| format!("{}ms", limit.as_millis()));
        let options = isolated.options(limit.map(|limit| ("statement_timeout", limit)));
        let (beats, work) = (Pool::new(BEATS_AT_ONCE), Pool::new(most));
        let (eras, tells_timeline) = (Arc::default(), Arc::new(AtomicBool::new(true)));
        Self { options, beats, work, eras, operation_timeout, tells_timeline }
    }

    /// The server's address, without user and password.
    pub(crate) fn address(&self) -> String {
        let options = &self.options;
        let database = options.get_database().unwrap_or_else(|| options.get_username());
        format!("postgres://{}:{}/{database}", options.get_host(), options.get_port())
    }

    pub(crate) const fn operation_timeout(&self) -> Duration {
        self.operation_timeout
    }

    /// Ends the era if `error`, an answer on one of its connections, shows that the server lost its
    /// role.
    pub(crate) fn judge(&self, era: Era, error: &sqlx::Error) {
        if lost_its_role(error) {
            self.leave(era, &error.to_string());
        }
    }

    /// Ends an era and closes its idle connections.
    fn leave(&self, era: Era, why: &str) {
        self.eras.end(era, &self.address(), why);
        self.let_go();
    }

    /// Closes the idle connections of eras that are over, in both pools: either may be idle for
    /// long.
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

    /// Executes a statement and returns its rows, within the operation timeout.
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
        // After this time without an answer the connection counts as dead.
        let until = Env::system().clock.now() + self.operation_timeout / 2;
        let asking = Box::pin(async move {
            let answer = statement.fetch_all(&mut held.connection).await;
            (held, answer)
        });
        let answer = pool.unfinished.ask(asking, era, until, deadline).await;
        let Some((held, answer)) = answer else {
            if Env::system().clock.now() >= until {
                // The idle connections to the same server are probably dead, too.
                self.leave(era, SILENT);
            }
            return Err(call.error(call.unanswered(), self.no_answer()));
        };
        match &answer {
            Err(error) if lost_its_role(error) => self.judge(era, error),
            // The idle connections of the pool are probably broken, too.
            Err(error) if !outlived(error) => pool.close_idle(),
            _ => pool.put(held, &self.eras),
        }
        answer.map_err(|error| call.failed(&error))
    }

    /// Waits for a place in the pool, and takes or makes a connection.
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

    /// Takes an idle connection; else continues an unfinished attempt; else makes a connection.
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

    /// Takes a connection for a transaction, and waits without a limit if all are in use. If it is
    /// dropped without being given back, it is closed, and the server rolls its transaction back.
    pub(crate) async fn check_out(&self, call: Call<'_>) -> StoreResult<CheckedOut<'_>> {
        let place = self.work.places.acquire().await;
        let place = place.map_err(|_| call.error(StoreErrorKind::Unavailable, "closed"))?;
        let deadline = Env::system().clock.now() + self.operation_timeout;
        let held = self.taken_or_made(call, &self.work, deadline).await?;
        Ok(CheckedOut { held, connections: self, _place: place })
    }

    /// Makes a connection outside of the pools, for a migration.
    pub(crate) async fn connect(&self, call: Call<'_>) -> StoreResult<PgConnection> {
        let made = self.make().await.map_err(|unmade| call.unmade(&unmade, &self.address()));
        Ok(made?.connection)
    }

    /// Begins to connect: the future connects, checks the server ([`greet`]) and finds out whether
    /// it reports its timeline.
    fn make(&self) -> Connecting {
        let (options, mark) = self.marked();
        let (tells, eras) = (Arc::clone(&self.tells_timeline), Arc::clone(&self.eras));
        // Read before the host name is resolved: an era that ends meanwhile may be over for the new
        // connection, too.
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

    /// The options with a random mark as a setting of the connection. Only a server that got this
    /// connection's options can return it, so that a pooler in between is noticed.
    pub(crate) fn marked(&self) -> (PgConnectOptions, String) {
        let mark = format!("{:016x}", Env::system().entropy.next_u64());
        (self.options.clone().options([("kcl.connection", &mark)]), mark)
    }

    /// Closes a connection with a message to the server. A failure is ignored.
    pub(crate) async fn close(connection: PgConnection) {
        drop(connection.close().await);
    }
}

/// A connection that a transaction uses.
pub(crate) struct CheckedOut<'a> {
    pub(crate) held: Held,
    connections: &'a Connections,
    _place: SemaphorePermit<'a>,
}

impl CheckedOut<'_> {
    /// Gives the connection back. No transaction may be open on it.
    pub(crate) fn give_back(self) {
        self.connections.work.put(self.held, &self.connections.eras);
    }

    /// Gives the connection back after the user's processor failed. It asks for the server's role
    /// first, because the reason of the failure may be a server that takes no writes any more.
    pub(crate) async fn look_and_give_back(mut self) {
        let deadline = Env::system().clock.now() + self.connections.operation_timeout;
        match within(deadline, Role::ask(&mut self.held.connection)).await {
            Some(Ok(Role::Writes)) => self.give_back(),
            _ => self.connections.leave(self.held.era, ONLY_READS),
        }
    }
}

/// Shows no password.
impl fmt::Debug for Connections {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connections").field("address", &self.address()).finish_non_exhaustive()
    }
}
