//! The thread that reads the files of all consumers of a fleet.
//!
//! It reads in passes, all files in each pass, and notes the number of the pass with each line. If
//! a line is seen two passes or more before another, it was written before it, whichever processes
//! wrote them.

use std::{
    io,
    path::Path,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread::JoinHandle,
    time::Duration,
};

use kcl_core::lease::Lease;

use super::{Delivery, History, LogLine, Reading, tail::Tail, wall_millis};

/// The pause between two passes.
const PAUSE: Duration = Duration::from_millis(5);

/// Reads the files of every consumer again and again, on a thread of its own.
#[derive(Debug)]
pub(super) struct Watcher {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

/// The state that the thread shares with the test.
#[derive(Debug, Default)]
struct Shared {
    /// The files. The lock is held for a whole pass.
    watched: Mutex<Vec<Watched>>,
    history: Mutex<History>,
    /// Set when the fleet is dropped.
    done: AtomicBool,
}

/// The files of one process.
#[derive(Debug)]
struct Watched {
    worker: Arc<str>,
    life: usize,
    output: Tail,
    log: Tail,
}

impl Watcher {
    pub(super) fn start() -> io::Result<Self> {
        let shared = Arc::new(Shared::default());
        let watching = Arc::clone(&shared);
        let watch = move || {
            while !watching.done.load(Ordering::Relaxed) {
                watching.pass();
                std::thread::sleep(PAUSE);
            }
        };
        let thread = std::thread::Builder::new().name("fleet watcher".into()).spawn(watch)?;
        Ok(Self { shared, thread: Some(thread) })
    }

    /// Adds the files of a process, which are read from their beginning.
    pub(super) fn watch(
        &self,
        worker: &str,
        life: usize,
        output: &Path,
        log: &Path,
    ) -> io::Result<()> {
        let (output, log) = (Tail::open(output)?, Tail::open(log)?);
        lock(&self.shared.watched).push(Watched { worker: worker.into(), life, output, log });
        Ok(())
    }

    /// The history as of the last pass.
    pub(super) fn history(&self) -> MutexGuard<'_, History> {
        lock(&self.shared.history)
    }

    /// A notebook for readings of the store.
    pub(super) fn notebook(&self) -> Notebook {
        Notebook(Arc::clone(&self.shared))
    }

    /// Notes that a process is stopped.
    pub(super) fn stands_still(&self) {
        self.history().stood_still = true;
    }

    /// The history after one more pass: it has everything that is written until now.
    pub(super) fn caught_up(&self) -> MutexGuard<'_, History> {
        self.shared.pass();
        self.history()
    }
}

/// Adds readings of the store to the history.
#[derive(Debug)]
pub(super) struct Notebook(Arc<Shared>);

impl Notebook {
    /// Begins a reading. Returns the number of readings so far, for [`Self::saw`].
    pub(super) fn begin(&self) -> usize {
        lock(&self.0.history).readings.len()
    }

    /// Adds a reading that began when there were `begun` readings. It is left out if another one
    /// was added since, because it is unknown which of the two has the older rows.
    pub(super) fn saw(&self, begun: usize, rows: Vec<Lease>) {
        let mut history = lock(&self.0.history);
        if history.readings.len() == begun {
            let pass = history.passes;
            history.readings.push(Reading { pass, seen: wall_millis(), rows });
        }
    }

    /// Whether the fleet was dropped.
    pub(super) fn is_over(&self) -> bool {
        self.0.done.load(Ordering::Relaxed)
    }
}

impl Shared {
    /// Makes a pass: reads everything that each process wrote since the last one.
    fn pass(&self) {
        let mut watched = lock(&self.watched);
        let pass = {
            let mut history = lock(&self.history);
            history.passes += 1;
            (history.passes, wall_millis())
        };
        for Watched { worker, life, output, log } in &mut *watched {
            let (mut deliveries, mut broken, mut events) = (Vec::new(), Vec::new(), Vec::new());
            let read = output.lines(|line| match Delivery::parse(worker, *life, pass, line) {
                Ok(delivery) => deliveries.push(delivery),
                Err(error) => broken.push(format!("{worker}: {error:#}")),
            });
            let logged = log.lines(|line| events.push(LogLine::parse(worker, *life, line)));
            for error in [read.err(), logged.err()].into_iter().flatten() {
                broken.push(format!("{worker}: {error}"));
            }
            let mut history = lock(&self.history);
            history.deliveries.append(&mut deliveries);
            history.broken.append(&mut broken);
            history.log.append(&mut events);
        }
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        self.shared.done.store(true, Ordering::Relaxed);
        // A panic of the thread was printed when it happened.
        drop(self.thread.take().map(JoinHandle::join));
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
