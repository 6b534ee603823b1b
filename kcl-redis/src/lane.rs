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

use crate::{ears::Ears, nodes::Nodes};

/// A connection to the node of the application.
#[derive(Debug)]
pub(crate) struct Link {
    connection: MultiplexedConnection,
    ears: Arc<Ears>,
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
pub(crate) struct Lane {
    link: Mutex<Option<Arc<Link>>>,
    /// Counts attempts to connect that failed.
    failures: AtomicU64,
    failure: std::sync::Mutex<Option<RedisError>>,
}

impl Lane {
    /// The connection; made if there is none.
    pub(crate) async fn link(&self, nodes: &Nodes) -> RedisResult<Arc<Link>> {
        let failures = self.failures.load(Ordering::Relaxed);
        let mut link = self.link.lock().await;
        if let Some(link) = link.as_ref() {
            if link.is_silent_for(nodes.longest_silence()) {
                // Nor will others that were made before be answered, more likely than not.
                nodes.leave(link.era, "it does not answer");
            }
            if !link.ears.are_lost() && nodes.eras.lasts(link.era) {
                return Ok(Arc::clone(link));
            }
        }
        *link = None;
        // Many may have waited here: they fail together, not one after the other.
        if self.failures.load(Ordering::Relaxed) != failures
            && let Some(failure) = self.failure().clone()
        {
            return Err(failure);
        }
        let (ears, era) = (Arc::default(), nodes.eras.now());
        match nodes.open(&ears).await {
            Ok(connection) => {
                let made = Arc::new(Link {
                    connection,
                    ears,
                    era,
                    silent: std::sync::Mutex::default(),
                    written: AtomicU64::new(0),
                    covered: Mutex::new((0, 0)),
                });
                *link = Some(Arc::clone(&made));
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
        if let Ok(mut link) = self.link.try_lock() {
            link.take_if(|link| !nodes.eras.lasts(link.era));
        }
    }

    fn failure(&self) -> std::sync::MutexGuard<'_, Option<RedisError>> {
        self.failure.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

impl Link {
    /// Sends a command and waits for its answer.
    pub(crate) async fn send<T: FromRedisValue>(&self, command: &redis::Cmd) -> RedisResult<T> {
        self.silence().get_or_insert_with(|| Env::system().clock.now());
        // Whoever goes away before the answer leaves the mark: they may be the only ones to ask.
        let answer = command.query_async(&mut self.connection.clone()).await;
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
        self.ears.lose();
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
            *covered = (all, wait.query_async(&mut self.connection.clone()).await?);
        }
        Ok(covered.1)
    }
}
