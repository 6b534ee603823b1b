//! Starts tasks, and the keeper on a thread of its own.

use std::{fmt::Debug, future::Future, pin::Pin};

/// A future that a spawner can run: it borrows nothing and may move between threads.
pub type Task = Pin<Box<dyn Future<Output = ()> + Send + 'static>>;

/// Makes the keeper's future. A spawner calls it on the keeper's thread.
pub type Keeper = Box<dyn FnOnce() -> Task + Send + 'static>;

/// Starts tasks.
pub trait Spawner: Debug + Send + Sync + 'static {
    /// Starts `task` on the caller's runtime. `name` is for logs.
    fn spawn(&self, name: &'static str, task: Task) -> TaskHandle;

    /// Starts the keeper. The system's spawner gives it a thread and a runtime of its own, so that
    /// a processor that blocks every thread of the user's runtime loses no lease. A simulation runs
    /// it as a task.
    ///
    /// # Errors
    /// The operating system refuses the thread or the runtime.
    fn spawn_keeper(&self, keeper: Keeper) -> std::io::Result<()>;
}

/// A started task. A dropped handle does not stop the task.
#[derive(Debug)]
pub struct TaskHandle(tokio::task::JoinHandle<()>);

impl TaskHandle {
    /// Wraps a tokio task.
    #[must_use]
    pub const fn new(task: tokio::task::JoinHandle<()>) -> Self {
        Self(task)
    }

    /// Ends the task at its next await.
    pub fn abort(&self) {
        self.0.abort();
    }

    /// Waits for the task. True if it ended by itself, false if it was aborted or panicked.
    pub async fn join(self) -> bool {
        self.0.await.is_ok()
    }
}
