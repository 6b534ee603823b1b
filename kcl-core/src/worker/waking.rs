//! Listening for wake-ups on a store that pushes them.

use std::{fmt, future::Future, pin::Pin, sync::Arc, time::Duration};

use tracing::debug;

use crate::{
    env::Clock,
    lease::SessionId,
    store::{LeaseStore, StoreResult, Wakeups},
};

/// How long after a broken channel it is opened again. Meanwhile the mailbox is polled.
const REOPEN: Duration = Duration::from_secs(1);

/// A channel on its way; `None` from a store that does not push.
type Opening = Pin<Box<dyn Future<Output = StoreResult<Option<Box<dyn Wakeups>>>> + Send>>;

/// The wake-ups of the session at hand.
pub(super) struct Waking {
    store: Arc<dyn LeaseStore>,
    clock: Arc<dyn Clock>,
    session: Option<SessionId>,
    channel: Option<Box<dyn Wakeups>>,
    /// Kept when waiting for it is dropped: on a busy worker it would never get done.
    opening: Option<Opening>,
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
        let (session, channel, opening) = (None, None, None);
        Self { store, clock, session, channel, opening, silent: false, broken: false }
    }

    /// Listens for another session.
    pub(super) fn follow(&mut self, session: SessionId) {
        self.session = Some(session);
        self.channel = None;
        self.opening = None;
        self.broken = false;
    }

    /// Waits for something to happen.
    ///
    /// # Cancel safety
    /// Safe, as the channel is; an opening goes on in the next call.
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
            let opened = self.opening.get_or_insert_with(|| {
                let pause = self.broken.then_some(REOPEN);
                open(Arc::clone(&self.store), Arc::clone(&self.clock), session.clone(), pause)
            });
            let opened = opened.await;
            self.opening = None;
            match opened {
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

/// Opens a channel, after a pause if there is to be one.
fn open(
    store: Arc<dyn LeaseStore>,
    clock: Arc<dyn Clock>,
    session: SessionId,
    pause: Option<Duration>,
) -> Opening {
    Box::pin(async move {
        if let Some(pause) = pause {
            clock.sleep(pause).await;
        }
        store.wakeups(&session).await
    })
}

impl fmt::Debug for Waking {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Waking").field("session", &self.session).finish_non_exhaustive()
    }
}
