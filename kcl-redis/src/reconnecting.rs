//! A connection that is made when it is needed, and made again when it breaks, falls silent, or its
//! server loses its role.

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
    listener: Arc<PushListener>,
    era: Era,
    /// Since when commands are under way on it without an answer to any.
    silent: std::sync::Mutex<Option<Time>>,
    /// Counts writes done on it.
    written: AtomicU64,
    /// How many of them replicas were waited for last, and how many replicas had them.
    covered: Mutex<(u64, usize)>,
}

/// Commands that share a connection. Those of one lane wait for each other, those of several do
/// not.
#[derive(Debug, Default)]
pub(crate) struct Reconnecting {
    conn: Mutex<Option<Arc<Connection>>>,
    /// Counts attempts to connect that failed.
    failures: AtomicU64,
    failure: std::sync::Mutex<Option<RedisError>>,
}

impl Reconnecting {
    /// The connection; made if there is none.
    pub(crate) async fn conn(&self, nodes: &Nodes) -> RedisResult<Arc<Connection>> {
        let failures = self.failures.load(Ordering::Relaxed);
        let mut conn = self.conn.lock().await;
        if let Some(conn) = conn.as_ref() {
            if conn.is_silent_for(nodes.longest_silence()) {
                // Nor will others that were made before be answered, more likely than not.
                nodes.leave(conn.era, "it does not answer");
            }
            if !conn.listener.are_lost() && nodes.eras.lasts(conn.era) {
                return Ok(Arc::clone(conn));
            }
        }
        *conn = None;
        // Many may have waited here: they fail together, not one after the other.
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

    /// Closes a connection of an era that is over, although nobody needs another one yet.
    pub(crate) fn let_go(&self, nodes: &Nodes) {
        // Whoever has the lock is about to look.
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
        // Whoever goes away before the answer leaves the mark: they may be the only ones to ask.
        let answer = command.query_async(&mut self.inner.clone()).await;
        *self.silence() = None;
        answer
    }

    /// When it was made, as far as its server's role goes.
    pub(crate) const fn era(&self) -> Era {
        self.era
    }

    fn is_silent_for(&self, limit: Duration) -> bool {
        self.silence().is_some_and(|since| Env::system().clock.now() >= since + limit)
    }

    fn silence(&self) -> std::sync::MutexGuard<'_, Option<Time>> {
        self.silent.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// Has the next user of the lane make another connection.
    pub(crate) fn abandon(&self) {
        self.listener.lose();
    }

    /// Waits until `count` replicas have every write that was done on this connection, for at most
    /// `millis`; answers how many have. One wait does for all writes before it.
    pub(crate) async fn replicate(&self, count: usize, millis: u128) -> RedisResult<usize> {
        let mine = self.written.fetch_add(1, Ordering::Relaxed) + 1;
        let mut covered = self.covered.lock().await;
        if covered.0 < mine {
            let all = self.written.load(Ordering::Relaxed);
            let wait = redis::cmd("WAIT").arg(count).arg(millis.to_string()).to_owned();
            // It is no silence that nothing comes while this waits.
            *covered = (all, wait.query_async(&mut self.inner.clone()).await?);
        }
        Ok(covered.1)
    }
}
