//! How many readers there are, and what became of those that were.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

/// How many readers of a stream were opened, and what became of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ReaderCounts {
    /// How many were opened.
    pub opened: u64,
    /// How many were closed.
    pub closed: u64,
    /// How many were dropped without being closed.
    pub dropped: u64,
}

impl ReaderCounts {
    /// How many are there now.
    #[must_use]
    pub const fn open(&self) -> u64 {
        self.opened - self.closed - self.dropped
    }
}

/// The counts of one stream. Clones share them.
#[derive(Clone, Debug, Default)]
pub(super) struct Census(Arc<Counters>);

#[derive(Debug, Default)]
struct Counters {
    opened: AtomicU64,
    closed: AtomicU64,
    dropped: AtomicU64,
}

/// One reader, counted.
#[derive(Debug)]
pub(super) struct Counted {
    counters: Arc<Counters>,
    is_closed: bool,
}

impl Census {
    pub(super) fn counts(&self) -> ReaderCounts {
        // Those that are gone first: none of them is missing among those that were opened.
        let closed = self.0.closed.load(Ordering::SeqCst);
        let dropped = self.0.dropped.load(Ordering::SeqCst);
        ReaderCounts { opened: self.0.opened.load(Ordering::SeqCst), closed, dropped }
    }

    pub(super) fn open(&self) -> Counted {
        self.0.opened.fetch_add(1, Ordering::SeqCst);
        Counted { counters: Arc::clone(&self.0), is_closed: false }
    }
}

impl Counted {
    pub(super) fn close(mut self) {
        self.is_closed = true;
        self.counters.closed.fetch_add(1, Ordering::SeqCst);
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        if !self.is_closed {
            self.counters.dropped.fetch_add(1, Ordering::SeqCst);
        }
    }
}
