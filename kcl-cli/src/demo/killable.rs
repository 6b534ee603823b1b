//! Switches a worker off as a power failure does.

use std::sync::{Arc, Mutex, PoisonError};

use kcl_core::env::{Env, Keeper, Spawner, Task, TaskHandle};
use tokio::sync::oneshot;

/// A spawner that starts tasks as [`Env::system`] does, and the keeper on a thread that a
/// [`KillSwitch`] can stop at any await. Then the keeper writes nothing more. To drop the worker's
/// future would not do: that ends its session with one last write.
#[derive(Debug)]
pub(super) struct KillableSpawner {
    usual: Arc<dyn Spawner>,
    life: Arc<KillSwitch>,
}

/// Stops the keeper of one worker. It is empty before the keeper starts and after `end`.
#[derive(Debug, Default)]
pub(super) struct KillSwitch(Mutex<Option<KeeperThread>>);

/// The thread of a keeper.
#[derive(Debug)]
struct KeeperThread {
    /// A message stops the keeper; its drop alone does not.
    stop: oneshot::Sender<()>,
    thread: std::thread::JoinHandle<()>,
}

impl KillableSpawner {
    /// The real environment with this spawner, and its switch.
    pub(super) fn env() -> (Env, Arc<KillSwitch>) {
        let mut env = Env::system();
        let life = Arc::new(KillSwitch::default());
        let usual = Arc::clone(&env.spawner);
        env.spawner = Arc::new(Self { usual, life: Arc::clone(&life) });
        (env, life)
    }
}

impl Spawner for KillableSpawner {
    fn spawn(&self, name: &'static str, task: Task) -> TaskHandle {
        self.usual.spawn(name, task)
    }

    fn spawn_keeper(&self, keeper: Keeper) -> std::io::Result<()> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let (stop, stopped) = oneshot::channel();
        let keep = async move {
            tokio::select! {
                biased;
                // If the switch is dropped without a message, this arm is disabled.
                Ok(()) = stopped => {}
                () = keeper() => {}
            }
        };
        let thread = std::thread::Builder::new()
            .name("kcl-keeper".into())
            .spawn(move || runtime.block_on(keep))?;
        *self.life.pulse() = Some(KeeperThread { stop, thread });
        Ok(())
    }
}

impl KillSwitch {
    /// Stops the keeper at its next await, and blocks until its thread has ended.
    pub(super) fn end(&self) {
        let pulse = self.pulse().take();
        if let Some(KeeperThread { stop, thread }) = pulse {
            // The send fails if the keeper has ended by itself.
            let _ = stop.send(());
            let _ = thread.join();
        }
    }

    /// Locks the thread of the keeper.
    fn pulse(&self) -> std::sync::MutexGuard<'_, Option<KeeperThread>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_keeper_that_is_ended_is_gone_before_anything_else_happens() {
        let (env, life) = KillableSpawner::env();
        let (started, begun) = std::sync::mpsc::channel();
        let held = Arc::new(());
        let holding = Arc::clone(&held);
        let keep = async move {
            started.send(()).unwrap();
            std::future::pending::<()>().await;
            drop(holding);
        };
        env.spawner.spawn_keeper(Box::new(move || Box::pin(keep))).unwrap();
        begun.recv().unwrap();
        assert_eq!(Arc::strong_count(&held), 2);
        life.end();
        assert_eq!(Arc::strong_count(&held), 1);
        // A second call does nothing.
        life.end();
    }
}
