//! A connection that is made when it is needed, and made again when it breaks.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use redis::{FromRedisValue, RedisError, RedisResult, aio::MultiplexedConnection};
use tokio::sync::Mutex;

use crate::{ears::Ears, nodes::Nodes};

/// A connection to the node of the application.
#[derive(Debug)]
pub(crate) struct Link {
    connection: MultiplexedConnection,
    ears: Arc<Ears>,
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
        if let Some(link) = link.as_ref().filter(|link| !link.ears.are_lost()) {
            return Ok(Arc::clone(link));
        }
        *link = None;
        // Many may have waited here: they fail together, not one after the other.
        if self.failures.load(Ordering::Relaxed) != failures
            && let Some(failure) = self.failure().clone()
        {
            return Err(failure);
        }
        let ears = Arc::default();
        match nodes.open(&ears).await {
            Ok(connection) => {
                let (written, covered) = (AtomicU64::new(0), Mutex::new((0, 0)));
                let made = Arc::new(Link { connection, ears, written, covered });
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

    fn failure(&self) -> std::sync::MutexGuard<'_, Option<RedisError>> {
        self.failure.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

impl Link {
    /// Sends a command and waits for its answer.
    pub(crate) async fn send<T: FromRedisValue>(&self, command: &redis::Cmd) -> RedisResult<T> {
        command.query_async(&mut self.connection.clone()).await
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
            *covered = (all, self.send(&wait).await?);
        }
        Ok(covered.1)
    }
}
