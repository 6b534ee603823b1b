//! What a connection hears without having asked.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use redis::{PushInfo, PushKind};
use tokio::sync::Notify;

/// What one connection hears: messages, and its own end.
#[derive(Debug, Default)]
pub(crate) struct Ears {
    lost: AtomicBool,
    bell: Notify,
}

impl Ears {
    /// What the connection is given to speak into.
    pub(crate) fn sender(ears: &Arc<Self>) -> impl Fn(PushInfo) -> Result<(), ()> + use<> {
        let ears = Arc::clone(ears);
        move |push| {
            match push.kind {
                PushKind::Message | PushKind::SMessage => ears.bell.notify_one(),
                // A channel of a cluster moved to another node, or nobody is there any more.
                PushKind::SUnsubscribe | PushKind::Disconnection => ears.lose(),
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
