//! What a connection hears without having asked.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use redis::{PushInfo, PushKind};
use tokio::sync::Notify;

/// What one connection hears: messages, and its own end.
#[derive(Debug, Default)]
pub(crate) struct PushListener {
    lost: AtomicBool,
    bell: Notify,
}

impl PushListener {
    /// What the connection is given to speak into.
    pub(crate) fn sender(listener: &Arc<Self>) -> impl Fn(PushInfo) -> Result<(), ()> + use<> {
        let listener = Arc::clone(listener);
        move |push| {
            match push.kind {
                PushKind::Message | PushKind::SMessage => listener.bell.notify_one(),
                // A channel of a cluster moved to another node, or nobody is there any more.
                PushKind::SUnsubscribe | PushKind::Disconnection => listener.lose(),
                _ => {}
            }
            Ok(())
        }
    }

    /// Notes that the connection is of no use any more.
    pub(crate) fn lose(&self) {
        self.lost.store(true, Ordering::Relaxed);
        self.bell.notify_one();
    }

    /// Whether the connection is of no use any more.
    pub(crate) fn are_lost(&self) -> bool {
        self.lost.load(Ordering::Relaxed)
    }

    /// Waits for a message or the end.
    ///
    /// # Cancel safety
    /// Safe: what was heard meanwhile ends the next wait.
    pub(crate) async fn listen(&self) {
        self.bell.notified().await;
    }
}
