//! Wake-ups pushed inside the process.

use std::{
    collections::BTreeMap,
    sync::{Arc, Weak},
};

use async_trait::async_trait;
use kcl_core::{
    lease::SessionId,
    store::{StoreResult, Wakeups},
};
use tokio::sync::Notify;

/// Who listens for which session's wake-ups.
#[derive(Debug, Default)]
pub(super) struct Listeners(BTreeMap<SessionId, Vec<Weak<Notify>>>);

impl Listeners {
    pub(super) fn listen(&mut self, id: &SessionId) -> MemoryWakeups {
        let bell = Arc::new(Notify::new());
        self.0.entry(id.clone()).or_default().push(Arc::downgrade(&bell));
        MemoryWakeups(bell)
    }

    /// Wakes every listener of `id`, and forgets those that went away.
    pub(super) fn tell(&mut self, id: &SessionId) {
        let Some(listeners) = self.0.get_mut(id) else { return };
        listeners.retain(|listener| match listener.upgrade() {
            Some(bell) => {
                bell.notify_one();
                true
            }
            None => false,
        });
        if listeners.is_empty() {
            self.0.remove(id);
        }
    }
}

/// One listener's wake-ups.
#[derive(Debug)]
pub(super) struct MemoryWakeups(Arc<Notify>);

#[async_trait]
impl Wakeups for MemoryWakeups {
    async fn next(&mut self) -> StoreResult<()> {
        self.0.notified().await;
        Ok(())
    }
}
