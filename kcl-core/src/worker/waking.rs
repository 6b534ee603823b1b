//! Listening for wake-ups on a store that pushes them.

use std::{sync::Arc, time::Duration};

use tracing::debug;

use crate::{
    env::Clock,
    lease::SessionId,
    store::{LeaseStore, Wakeups},
};

/// How long after a broken channel it is opened again. Meanwhile the mailbox is polled.
const REOPEN: Duration = Duration::from_secs(1);

/// The wake-ups of the session at hand.
#[derive(Debug)]
pub(super) struct Waking {
    store: Arc<dyn LeaseStore>,
    clock: Arc<dyn Clock>,
    session: Option<SessionId>,
    channel: Option<Box<dyn Wakeups>>,
    /// The store was asked and does not push.
    silent: bool,
    broken: bool,
}

/// What listening brought.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Heard {
    /// The channel is open.
    Opened,
    /// Somebody wants the session to look.
    Woken,
    /// The channel broke.
    Broken,
}

impl Waking {
    pub(super) const fn new(store: Arc<dyn LeaseStore>, clock: Arc<dyn Clock>) -> Self {
        Self { store, clock, session: None, channel: None, silent: false, broken: false }
    }

    /// Listens for another session.
    pub(super) fn follow(&mut self, session: SessionId) {
        self.session = Some(session);
        self.channel = None;
        self.broken = false;
    }

    /// Waits for something to happen.
    ///
    /// # Cancel safety
    /// Safe, as the channel is; an opening that is dropped starts again.
    pub(super) async fn next(&mut self) -> Heard {
        let Some(session) = self.session.clone().filter(|_| !self.silent) else {
            return std::future::pending().await;
        };
        if let Some(channel) = &mut self.channel {
            return match channel.next().await {
                Ok(()) => Heard::Woken,
                Err(error) => {
                    debug!(%error, "kcl.wakeups.broken");
                    self.channel = None;
                    self.broken = true;
                    Heard::Broken
                }
            };
        }
        loop {
            if self.broken {
                self.clock.sleep(REOPEN).await;
            }
            match self.store.wakeups(&session).await {
                Ok(Some(channel)) => {
                    self.channel = Some(channel);
                    self.broken = false;
                    return Heard::Opened;
                }
                Ok(None) => {
                    self.silent = true;
                    return std::future::pending().await;
                }
                Err(error) => {
                    debug!(%error, "kcl.wakeups.broken");
                    self.broken = true;
                }
            }
        }
    }
}
