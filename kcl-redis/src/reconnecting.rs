//! A connection that is made when it is needed, and made again when it is broken or silent, or when
//! its server is no longer the primary.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use kcl_core::{
    env::{Env, Time},
    store::Era,
};
use redis::{FromRedisValue, RedisError, RedisResult, aio::MultiplexedConnection};
use tokio::sync::Mutex;

use crate::{nodes::Nodes, push::PushListener};

/// A connection to the node of the application.
#[derive(Debug)]
pub(crate) struct Connection {
    inner: MultiplexedConnection,
    /// Notices the end of the connection.
    listener: Arc<PushListener>,
    /// The era in which it was made.
    era: Era,
    /// The time since which commands have been under way without an answer to any.
    silent: std::sync::Mutex<Option<Time>>,
    /// Counts the claims on this connection.
    written: AtomicU64,
    /// The number of claims that the last `WAIT` covered, and of the replicas that had them.
    covered: Mutex<(u64, usize)>,
}

/// One lane: a connection that several callers share. Commands of one lane may wait for each other;
/// those of different lanes do not.
#[derive(Debug, Default)]
pub(crate) struct Reconnecting {
    conn: Mutex<Option<Arc<Connection>>>,
    /// Counts the failed connection attempts.
    failures: AtomicU64,
    /// The error of the last failed attempt.
    failure: std::sync::Mutex<Option<RedisError>>,
}

impl Reconnecting {
    /// The connection of the lane. Makes a new one if there is none, or if the present one is lost,
    /// silent or of an era that is over.
    pub(crate) async fn conn(&self, nodes: &Nodes) -> RedisResult<Arc<Connection>> {
        let failures = self.failures.load(Ordering::Relaxed);
        let mut conn = self.conn.lock().await;
        if let Some(conn) = conn.as_ref() {
            if conn.is_silent_for(nodes.longest_silence()) {
                // The other connections to the same server are probably silent, too.
                nodes.leave(conn.era, "it does not answer");
            }
            if !conn.listener.are_lost() && nodes.eras.lasts(conn.era) {
                return Ok(Arc::clone(conn));
            }
        }
        *conn = None;
        // Callers that waited for the lock during a failed attempt share its error, instead of
        // making one attempt after the other.
        if self.failures.load(Ordering::Relaxed) != failures
            && let Some(failure) = self.failure().clone()
        {
            return Err(failure);
        }
        let (listener, era) = (Arc::default(), nodes.eras.now());
        match nodes.open(&listener).await {
            Ok(connection) => {
                let made = Arc::new(Connection {
                    inner: connection,
                    listener,
                    era,
                    silent: std::sync::Mutex::default(),
                    written: AtomicU64::new(0),
                    covered: Mutex::new((0, 0)),
                });
                *conn = Some(Arc::clone(&made));
                Ok(made)
            }
            Err(error) => {
                *self.failure() = Some(error.clone());
                self.failures.fetch_add(1, Ordering::Relaxed);
                Err(error)
            }
        }
    }

    /// Drops the connection if its era is over, even if no caller needs another one yet.
    pub(crate) fn let_go(&self, nodes: &Nodes) {
        // A caller that has the lock checks the era itself.
        if let Ok(mut conn) = self.conn.try_lock() {
            conn.take_if(|conn| !nodes.eras.lasts(conn.era));
        }
    }

    fn failure(&self) -> std::sync::MutexGuard<'_, Option<RedisError>> {
        self.failure.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

impl Connection {
    /// Sends a command and waits for its answer.
    pub(crate) async fn send<T: FromRedisValue>(&self, command: &redis::Cmd) -> RedisResult<T> {
        self.silence().get_or_insert_with(|| Env::system().clock.now());
        // A dropped call does not reset the silence: it may be the only call that shows it.
        let answer = command.query_async(&mut self.inner.clone()).await;
        *self.silence() = None;
        answer
    }

    /// The era in which the connection was made.
    pub(crate) const fn era(&self) -> Era {
        self.era
    }

    /// True if commands have been under way for `limit` without an answer to any.
    fn is_silent_for(&self, limit: Duration) -> bool {
        self.silence().is_some_and(|since| Env::system().clock.now() >= since + limit)
    }

    fn silence(&self) -> std::sync::MutexGuard<'_, Option<Time>> {
        self.silent.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// Marks the connection as lost, so that the next caller makes another one.
    pub(crate) fn abandon(&self) {
        self.listener.lose();
    }

    /// Waits until `count` replicas have every write of this connection, for at most `millis`
    /// milliseconds. Returns the number of replicas that have them. One `WAIT` covers all writes
    /// before it, so that callers share it.
    pub(crate) async fn replicate(&self, count: usize, millis: u128) -> RedisResult<usize> {
        let mine = self.written.fetch_add(1, Ordering::Relaxed) + 1;
        let mut covered = self.covered.lock().await;
        if covered.0 < mine {
            let all = self.written.load(Ordering::Relaxed);
            let wait = redis::cmd("WAIT").arg(count).arg(millis.to_string()).to_owned();
            // Not through `send`: a blocking `WAIT` is no silence.
            *covered = (all, wait.query_async(&mut self.inner.clone()).await?);
        }
        Ok(covered.1)
    }
}
