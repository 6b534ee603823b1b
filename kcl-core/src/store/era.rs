//! Keeps a store from using connections to a server that is no longer the primary.
//!
//! It is for implementors of stores. A primary that became a replica, or that became read-only, may
//! stay up and answer on every open connection, while its address already leads to another server.
//! As soon as one connection shows that, the store has to drop all connections that it made
//! before. An [`Era`] is the time between two such events: a connection belongs to the era in which
//! it was made, and the store uses it only while that era lasts.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use tokio::sync::watch;

use crate::env::{Env, Time};

/// After one warning, [`Eras::end`] logs at the level `debug` for this time.
const QUIET: Duration = Duration::from_secs(30);

/// The time from one change of the primary to the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Era(u64);

/// The present era of one store.
#[derive(Debug, Default)]
pub struct Eras {
    now: watch::Sender<u64>,
    told: Mutex<Option<Time>>,
}

impl Eras {
    /// The present era. A store reads it before it connects: an era that ends while it connects may
    /// be over for the new connection, too.
    #[must_use]
    pub fn now(&self) -> Era {
        Era(*self.now.borrow())
    }

    /// Whether the store may use a connection that it made in `era`.
    #[must_use]
    pub fn lasts(&self, era: Era) -> bool {
        self.now() == era
    }

    /// Ends `era`. Does nothing if `era` is over: an old connection proves nothing of newer ones.
    ///
    /// It logs `server` and `why` as a warning, or at the level `debug` if it logged a warning in
    /// the last 30 s.
    pub fn end(&self, era: Era, server: &str, why: &str) {
        let ended = self.now.send_if_modified(|now| {
            let ends = *now == era.0;
            *now += u64::from(ends);
            ends
        });
        if !ended {
            return;
        }
        let now = Env::system().clock.now();
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        if told.is_some_and(|told| now < told + QUIET) {
            tracing::debug!(server, why, "kcl.store.left");
        } else {
            *told = Some(now);
            tracing::warn!(server, why, "kcl.store.left");
        }
    }

    /// Waits until `era` is over. Returns at once if it is.
    ///
    /// # Cancel safety
    /// Safe: the call only waits.
    pub async fn over(&self, Era(era): Era) {
        // The sender is here, so that it cannot fail.
        drop(self.now.subscribe().wait_for(|now| *now != era).await);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_era_ends_once_however_many_of_its_connections_show_it() {
        let eras = Eras::default();
        let first = eras.now();
        assert!(eras.lasts(first));
        eras.end(first, "db", "it only reads");
        let second = eras.now();
        eras.end(first, "db", "it only reads");
        assert!(!eras.lasts(first) && eras.lasts(second));
    }
}
