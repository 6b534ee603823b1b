//! Which children live: so that each is killed with its group where it has to be, and none is left
//! behind by a worker that ends.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::sync::watch;

/// The children of this process that are not reaped yet. Clones are the same.
#[derive(Clone, Debug)]
pub struct Children {
    living: Arc<Mutex<BTreeMap<u32, Pid>>>,
    count: Arc<watch::Sender<usize>>,
}

impl Default for Children {
    fn default() -> Self {
        Self { living: Arc::default(), count: Arc::new(watch::Sender::new(0)) }
    }
}

impl Children {
    /// Kills each child that lives, and whatever it has started in its group.
    pub fn kill_all(&self) {
        for group in self.living().values() {
            kill_group(*group);
        }
    }

    /// Waits until no child lives.
    ///
    /// # Cancel safety
    /// Safe.
    pub async fn gone(&self) {
        let mut count = self.count.subscribe();
        // The sender lives as long as this.
        let _ = count.wait_for(|count| *count == 0).await;
    }

    pub(super) fn begin(&self, id: u32) {
        if let Some(group) = i32::try_from(id).ok().and_then(Pid::from_raw) {
            let mut living = self.living();
            living.insert(id, group);
            self.count.send_replace(living.len());
        }
    }

    /// Kills one with its group, unless it is reaped: then its number may be another's.
    pub(super) fn kill(&self, id: u32) {
        if let Some(group) = self.living().get(&id) {
            kill_group(*group);
        }
    }

    /// It was reaped. What it has left in its group goes, too: as long as there is anything, its
    /// number is not given to another.
    pub(super) fn reaped(&self, id: u32) {
        let mut living = self.living();
        if let Some(group) = living.remove(&id) {
            kill_group(group);
        }
        self.count.send_replace(living.len());
    }

    fn living(&self) -> MutexGuard<'_, BTreeMap<u32, Pid>> {
        self.living.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// That nobody is there any more is as good.
fn kill_group(group: Pid) {
    let _ = kill_process_group(group, Signal::KILL);
}
