//! A machine that can be switched off.

use std::sync::{Arc, Mutex, PoisonError};

use kcl_core::env::{Env, Keeper, Spawner, Task, TaskHandle};
use tokio::sync::oneshot;

/// Starts a worker's tasks as [`Env::system`] does, and its keeper on a thread that can be stopped
/// in mid-air: what it was about to write is never written, as when the machine loses its power.
/// (Dropping a worker's future, by contrast, ends its session with one last write.)
#[derive(Debug)]
pub(super) struct KillableSpawner {
    usual: Arc<dyn Spawner>,
    life: Arc<KillSwitch>,
}

/// The thread of a keeper.
#[derive(Debug, Default)]
pub(super) struct KillSwitch(Mutex<Option<KeeperThread>>);

#[derive(Debug)]
struct KeeperThread {
    stop: oneshot::Sender<()>,
    thread: std::thread::JoinHandle<()>,
}

impl KillableSpawner {
    /// The real machine with a switch.
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
                // A switch that is merely gone stops nothing.
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
    /// Stops the keeper where it stands, and returns once it has stopped.
    pub(super) fn end(&self) {
        let pulse = self.pulse().take();
        if let Some(KeeperThread { stop, thread }) = pulse {
            // One that is over needs no stopping.
            let _ = stop.send(());
            let _ = thread.join();
        }
    }

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
        // Once more changes nothing.
        life.end();
    }
}
