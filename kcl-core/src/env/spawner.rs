//! Starting tasks, and the one thread that must not wait for them.

use std::{fmt::Debug, future::Future, pin::Pin};

/// A future that owns what it needs and may move between threads.
pub type Task = Pin<Box<dyn Future<Output = ()> + Send + 'static>>;

/// Makes the keeper's future on the thread it will stay on.
pub type Keeper = Box<dyn FnOnce() -> Task + Send + 'static>;

/// Starts tasks.
pub trait Spawner: Debug + Send + Sync + 'static {
    /// Starts `task` on the runtime the caller runs on. `name` is for logs.
    fn spawn(&self, name: &'static str, task: Task) -> TaskHandle;

    /// Starts the keeper: on the real machine on a thread and runtime of its own, so that a
    /// processor that blocks every thread of the user's runtime loses no lease; in a simulation as
    /// a task.
    ///
    /// # Errors
    /// The operating system's, when it refuses the thread.
    fn spawn_keeper(&self, keeper: Keeper) -> std::io::Result<()>;
}

/// A started task. Dropping the handle lets the task go on.
#[derive(Debug)]
pub struct TaskHandle(tokio::task::JoinHandle<()>);

impl TaskHandle {
    /// Wraps a tokio task.
    #[must_use]
    pub const fn new(task: tokio::task::JoinHandle<()>) -> Self {
        Self(task)
    }

    /// Asks the task to end at its next await.
    pub fn abort(&self) {
        self.0.abort();
    }

    /// Waits for the task; true if it ended by itself, false if it was aborted or panicked.
    pub async fn join(self) -> bool {
        self.0.await.is_ok()
    }
}
