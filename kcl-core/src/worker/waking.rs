//! Listening for wake-ups on a store that pushes them.

use std::{fmt, future::Future, pin::Pin, sync::Arc, time::Duration};

use crate::{
    env::Clock,
    lease::SessionId,
    observe::{Seam, WatchedStore, WorkerEvent},
    store::{LeaseStore, StoreError, StoreResult, Wakeups},
};

/// How long after a broken channel it is opened again. Meanwhile the mailbox is polled.
const REOPEN: Duration = Duration::from_secs(1);

/// A channel on its way; `None` from a store that does not push.
type Opening = Pin<Box<dyn Future<Output = StoreResult<Option<Box<dyn Wakeups>>>> + Send>>;

/// The wake-ups of the session at hand.
pub(super) struct Waking {
    store: WatchedStore,
    clock: Arc<dyn Clock>,
    seam: Seam,
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
    pub(super) const fn new(store: WatchedStore, clock: Arc<dyn Clock>, seam: Seam) -> Self {
        let (session, channel, opening) = (None, None, None);
        Self { store, clock, seam, session, channel, opening, silent: false, broken: false }
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
                    self.tell_broken(&error);
                    self.channel = None;
                    self.broken = true;
                    Heard::Broken
                }
            };
        }
        loop {
            let opened = self.opening.get_or_insert_with(|| {
                let pause = self.broken.then_some(REOPEN);
                open(self.store.clone(), Arc::clone(&self.clock), session.clone(), pause)
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
                    self.tell_broken(&error);
                    self.broken = true;
                }
            }
        }
    }
}

impl Waking {
    fn tell_broken(&self, error: &StoreError) {
        self.seam.event(&WorkerEvent::WakeupsBroken { error: error.to_string() });
    }
}

/// Opens a channel, after a pause if there is to be one.
fn open(
    store: WatchedStore,
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
