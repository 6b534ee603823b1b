//! Receives the push messages of a connection: those of its channels, and its end.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use redis::{PushInfo, PushKind};
use tokio::sync::Notify;

/// The receiver of the push messages of one connection.
#[derive(Debug, Default)]
pub(crate) struct PushListener {
    /// True after the connection was lost.
    lost: AtomicBool,
    /// Notified for each message, and when the connection is lost.
    bell: Notify,
}

impl PushListener {
    /// The function that the client library calls for each push message of a connection.
    pub(crate) fn sender(listener: &Arc<Self>) -> impl Fn(PushInfo) -> Result<(), ()> + use<> {
        let listener = Arc::clone(listener);
        move |push| {
            match push.kind {
                PushKind::Message | PushKind::SMessage => listener.bell.notify_one(),
                // The channel has moved to another node of the cluster, or the connection is
                // closed.
                PushKind::SUnsubscribe | PushKind::Disconnection => listener.lose(),
                _ => {}
            }
            Ok(())
        }
    }

    /// Marks the connection as lost.
    pub(crate) fn lose(&self) {
        self.lost.store(true, Ordering::Relaxed);
        self.bell.notify_one();
    }

    /// True if the connection is lost.
    pub(crate) fn are_lost(&self) -> bool {
        self.lost.load(Ordering::Relaxed)
    }

    /// Waits for a message, or for the end of the connection.
    ///
    /// # Cancel safety
    /// Safe: a message between two calls ends the next wait at once.
    pub(crate) async fn listen(&self) {
        self.bell.notified().await;
    }
}
