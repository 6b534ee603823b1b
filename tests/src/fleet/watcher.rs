//! The thread that reads what the consumers of a fleet write.

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

#[derive(Debug, Default)]
struct Shared {
    watched: Mutex<Vec<Watched>>,
    history: Mutex<History>,
    done: AtomicBool,
}

/// The output of one process.
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

    /// Watches one more process, from the beginning of its files.
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

    /// What was seen so far.
    pub(super) fn history(&self) -> MutexGuard<'_, History> {
        lock(&self.shared.history)
    }

    /// Where to note what stands in the store.
    pub(super) fn notebook(&self) -> Notebook {
        Notebook(Arc::clone(&self.shared))
    }

    /// A process stands still from now on.
    pub(super) fn stands_still(&self) {
        self.history().stood_still = true;
    }

    /// Everything that is written by now.
    pub(super) fn caught_up(&self) -> MutexGuard<'_, History> {
        self.shared.pass();
        self.history()
    }
}

/// Takes notes of what stands in the store.
#[derive(Debug)]
pub(super) struct Notebook(Arc<Shared>);

impl Notebook {
    /// How many readings there are: one begins now.
    pub(super) fn begin(&self) -> usize {
        lock(&self.0.history).readings.len()
    }

    /// Notes a reading that began when there were `begun`. If there is another one since, which of
    /// the two saw the older rows nobody knows: it is left out.
    pub(super) fn saw(&self, begun: usize, rows: Vec<Lease>) {
        let mut history = lock(&self.0.history);
        if history.readings.len() == begun {
            let pass = history.passes;
            history.readings.push(Reading { pass, seen: wall_millis(), rows });
        }
    }

    /// Whether nobody will read them any more.
    pub(super) fn is_over(&self) -> bool {
        self.0.done.load(Ordering::Relaxed)
    }
}

impl Shared {
    /// Reads what each process has written since the last time.
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
        // What it panicked with was shown when it did.
        drop(self.thread.take().map(JoinHandle::join));
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
