//! Eras: what was connected before a server lost its role is not used again.
//!
//! For implementors of stores. A primary that became a replica, or only reads from now on, may stay
//! up and answer on every open connection, while its address leads to another server by now. So
//! with one connection that shows it, all that were made before it showed are to be left.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use tokio::sync::watch;

use crate::env::{Env, Time};

/// For how long a server that is left again and again is not told of at the level of warnings.
const QUIET: Duration = Duration::from_secs(30);

/// The time from one such loss to the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Era(u64);

/// Which era it is.
#[derive(Debug, Default)]
pub struct Eras {
    now: watch::Sender<u64>,
    told: Mutex<Option<Time>>,
}

impl Eras {
    /// The present one. Ask before connecting: one that ends meanwhile may be the connection's own.
    #[must_use]
    pub fn now(&self) -> Era {
        Era(*self.now.borrow())
    }

    /// Whether what was connected in `era` may be used.
    #[must_use]
    pub fn lasts(&self, era: Era) -> bool {
        self.now() == era
    }

    /// Ends an era, unless it has ended: an older connection tells nothing of those made since.
    ///
    /// That `server` is left, and why, is logged: as a warning, or for debugging if there was a
    /// warning in the last 30 s.
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

    /// Waits until an era is over.
    ///
    /// # Cancel safety
    /// Safe.
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
