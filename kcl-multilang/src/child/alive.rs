//! The list of the children that are not reaped. With it a worker kills a child together with its
//! process group, and leaves no child behind when it ends.
//!
//! Invariant: a process id is in the list from the start of the child until the child is reaped.
//! The operating system may give a reaped id to another process, so only listed ids are killed.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::sync::watch;

/// The children of one [`ChildProcessors`](crate::ChildProcessors) that are not reaped yet. Clones
/// share one list.
#[derive(Clone, Debug)]
pub struct Children {
    /// The process group of each child, by the child's process id. The two numbers are the same.
    living: Arc<Mutex<BTreeMap<u32, Pid>>>,
    /// How many children are in `living`, for [`Children::gone`].
    count: Arc<watch::Sender<usize>>,
}

impl Default for Children {
    fn default() -> Self {
        Self { living: Arc::default(), count: Arc::new(watch::Sender::new(0)) }
    }
}

impl Children {
    /// Sends SIGKILL to the process group of each child: to the child, and to every process that it
    /// started in its group.
    pub fn kill_all(&self) {
        for group in self.living().values() {
            kill_group(*group);
        }
    }

    /// Waits until every child is reaped. Returns at once if there is none.
    ///
    /// # Cancel safety
    /// Safe: it changes nothing.
    pub async fn gone(&self) {
        let mut count = self.count.subscribe();
        // It cannot fail: `self` holds the sender.
        let _ = count.wait_for(|count| *count == 0).await;
    }

    /// Adds a child that was started in a process group of its own.
    pub(super) fn begin(&self, id: u32) {
        if let Some(group) = i32::try_from(id).ok().and_then(Pid::from_raw) {
            let mut living = self.living();
            living.insert(id, group);
            self.count.send_replace(living.len());
        }
    }

    /// Kills a child with its process group. Does nothing if the child is reaped: its id may belong
    /// to another process.
    pub(super) fn kill(&self, id: u32) {
        if let Some(group) = self.living().get(&id) {
            kill_group(*group);
        }
    }

    /// Removes a child that was reaped, and kills the processes that are left in its group. The
    /// group id is safe to use: the system gives it to nobody while the group has a member.
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

/// Kills a process group. An error means that the group has no process, which is as good.
fn kill_group(group: Pid) {
    let _ = kill_process_group(group, Signal::KILL);
}
