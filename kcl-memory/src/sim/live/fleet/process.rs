//! A simulated process: its tasks, which can be stopped, resumed and killed together.

use std::{
    fmt,
    future::{Future, poll_fn},
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker, ready},
    time::Duration,
};

use kcl_core::env::{Keeper, Spawner, Task, TaskHandle};
use tokio::task::AbortHandle;

/// A process of a worker. Clones are the same process.
#[derive(Clone)]
pub(in crate::sim::live) struct Process(Arc<Inner>);

struct Inner {
    slot: usize,
    name: String,
    state: Mutex<State>,
}

struct State {
    life: Life,
    /// Who wants to go on once the process does.
    waiting: Vec<Waker>,
    tasks: Vec<AbortHandle>,
    /// Calls on the sink that have no answer yet.
    calls: usize,
    /// How long its machine was suspended, in all.
    suspended: Duration,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Life {
    Up,
    Still,
    Dead,
}

impl Process {
    /// The process of worker `slot`; `life` counts its processes from 1.
    pub(super) fn new(slot: usize, life: usize) -> Self {
        let name = if life == 1 { format!("w{slot}") } else { format!("w{slot}#{life}") };
        let state = State {
            life: Life::Up,
            waiting: Vec::new(),
            tasks: Vec::new(),
            calls: 0,
            suspended: <_>::default(),
        };
        Self(Arc::new(Inner { slot, name, state: Mutex::new(state) }))
    }

    /// The number of the worker.
    pub(in crate::sim::live) fn slot(&self) -> usize {
        self.0.slot
    }

    /// What the process is called: the worker, and which of its lives if it is not the first.
    pub(in crate::sim::live) fn name(&self) -> &str {
        &self.0.name
    }

    pub(in crate::sim::live) fn is_dead(&self) -> bool {
        self.state().life == Life::Dead
    }

    /// How long its machine was suspended, in all.
    pub(super) fn suspended(&self) -> Duration {
        self.state().suspended
    }

    /// Waits while the process stands still; for ever, once it is dead.
    pub(in crate::sim::live) async fn up(&self) {
        poll_fn(|cx| self.poll_up(cx)).await;
    }

    fn poll_up(&self, cx: &Context<'_>) -> Poll<()> {
        let mut state = self.state();
        match state.life {
            Life::Up => return Poll::Ready(()),
            Life::Still => state.waiting.push(cx.waker().clone()),
            Life::Dead => {}
        }
        Poll::Pending
    }

    /// A call on the sink begins; it ends when the guard is dropped.
    pub(in crate::sim::live) fn call(&self) -> Calling {
        self.state().calls += 1;
        Calling(self.clone())
    }

    /// Whether a call on the sink has no answer yet.
    pub(super) fn is_calling(&self) -> bool {
        self.state().calls > 0
    }

    /// Stops every task where it stands.
    pub(super) fn stop(&self) {
        let mut state = self.state();
        if state.life == Life::Up {
            state.life = Life::Still;
        }
    }

    /// Lets every task go on. Its machine was `suspended` for so long: its timers did not run.
    pub(super) fn resume(&self, suspended: Duration) {
        let mut state = self.state();
        if state.life != Life::Still {
            return;
        }
        state.life = Life::Up;
        state.suspended += suspended;
        let waiting = std::mem::take(&mut state.waiting);
        drop(state);
        waiting.into_iter().for_each(Waker::wake);
    }

    /// Ends the process: no task of it does anything any more.
    pub(super) fn kill(&self) {
        let mut state = self.state();
        state.life = Life::Dead;
        state.waiting.clear();
        let tasks = std::mem::take(&mut state.tasks);
        drop(state);
        tasks.iter().for_each(AbortHandle::abort);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A call on the sink, under way.
pub(in crate::sim::live) struct Calling(Process);

impl Drop for Calling {
    fn drop(&mut self) {
        self.0.state().calls -= 1;
    }
}

impl Spawner for Process {
    #[expect(clippy::disallowed_methods, reason = "this is the spawner the others are told to use")]
    fn spawn(&self, _name: &'static str, task: Task) -> TaskHandle {
        let task = tokio::spawn(Inside { process: self.clone(), task });
        let mut state = self.state();
        if state.life == Life::Dead {
            task.abort();
        } else {
            // Most tasks are short; those that are over need not be kept.
            if state.tasks.len() % 64 == 63 {
                state.tasks.retain(|task| !task.is_finished());
            }
            state.tasks.push(task.abort_handle());
        }
        TaskHandle::new(task)
    }

    fn spawn_keeper(&self, keeper: Keeper) -> std::io::Result<()> {
        drop(self.spawn("kcl-keeper", keeper()));
        Ok(())
    }
}

/// A task that runs only while its process does.
struct Inside {
    process: Process,
    task: Task,
}

impl Future for Inside {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        ready!(self.process.poll_up(cx));
        self.task.as_mut().poll(cx)
    }
}

impl fmt::Debug for Process {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Process").field(&self.0.name).finish()
    }
}
