//! Receives wake-ups from a store that pushes them.
//!
//! PostgreSQL, Redis and memory push; DynamoDB does not, and the coordinator polls the mailbox
//! there. [`Waking`] opens one channel for the worker's session, opens it again after a failure,
//! and reports both, because the coordinator polls as long as no channel is open. A lost wake-up
//! costs time and nothing else: each answer to a beat shows the mailbox, too.

use std::{fmt, future::Future, pin::Pin, sync::Arc, time::Duration};

use crate::{
    env::Clock,
    lease::SessionId,
    observe::{Seam, WatchedStore, WorkerEvent},
    store::{LeaseStore, StoreError, StoreResult, Wakeups},
};

/// The pause before a broken channel is opened again. The coordinator polls meanwhile.
const REOPEN: Duration = Duration::from_secs(1);

/// The opening of a channel; its result is `None` from a store that does not push.
type Opening = Pin<Box<dyn Future<Output = StoreResult<Option<Box<dyn Wakeups>>>> + Send>>;

/// The channel for the wake-ups of the worker's present session.
pub(super) struct Waking {
    store: WatchedStore,
    clock: Arc<dyn Clock>,
    seam: Seam,
    /// The session whose wake-ups are received; `None` before the first is registered.
    session: Option<SessionId>,
    /// The open channel.
    channel: Option<Box<dyn Wakeups>>,
    /// The opening under way. It survives a dropped [`Self::next`]: the keeper drops that future at
    /// each event, and a busy worker would otherwise never finish an opening.
    opening: Option<Opening>,
    /// True after the store has answered that it does not push.
    silent: bool,
    /// True after a failure, until a channel is open: the next opening waits for [`REOPEN`].
    broken: bool,
}

/// An event of the channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Heard {
    /// The channel is open.
    Opened,
    /// Another worker has woken the session, which should read its document and wanted leases.
    Woken,
    /// The channel broke.
    Broken,
}

impl Waking {
    pub(super) const fn new(store: WatchedStore, clock: Arc<dyn Clock>, seam: Seam) -> Self {
        let (session, channel, opening) = (None, None, None);
        Self { store, clock, seam, session, channel, opening, silent: false, broken: false }
    }

    /// Receives the wake-ups of `session` from now on, and none of the former session.
    pub(super) fn follow(&mut self, session: SessionId) {
        self.session = Some(session);
        self.channel = None;
        self.opening = None;
        self.broken = false;
    }

    /// Waits for the next event. Never returns without a session, or if the store does not push.
    ///
    /// # Cancel safety
    /// Safe: [`Wakeups::next`] is, and the next call continues an opening.
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

/// Opens a channel, after `pause` if one is given.
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
