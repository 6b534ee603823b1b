//! The history of a fleet: everything that its consumers wrote, and readings of the store.

use std::collections::BTreeSet;

use kcl_core::lease::Lease;

use super::{Delivery, LogLine};

/// Everything that the consumers of a fleet wrote. The lines of each process are in its order.
#[derive(Clone, Debug, Default)]
pub struct History {
    /// The records on standard output.
    pub deliveries: Vec<Delivery>,
    /// The lines on standard error.
    pub log: Vec<LogLine>,
    /// Lines of standard output that are no records, and errors of reading.
    pub broken: Vec<String>,
    /// The lease rows of the store, at each reading of the test.
    pub readings: Vec<Reading>,
    /// Whether a process was stopped by SIGSTOP: then it may go on after another took its leases.
    pub stood_still: bool,
    /// How many passes the watcher has begun.
    pub(super) passes: u64,
}

/// One reading of the lease rows.
#[derive(Clone, Debug)]
pub struct Reading {
    /// The last pass of the watcher that had begun when the reading ended. A line that is seen two
    /// passes later was written after the reading.
    pub pass: u64,
    /// When the reading ended, in milliseconds since 1970.
    pub seen: f64,
    /// The rows.
    pub rows: Vec<Lease>,
}

impl History {
    /// How many different records were delivered. A record is a shard and a sequence number.
    #[must_use]
    pub fn distinct(&self) -> usize {
        let different = self.deliveries.iter().map(|record| (&record.shard, &record.sequence));
        different.collect::<BTreeSet<_>>().len()
    }

    /// The log's events of this name.
    pub fn events<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a LogLine> {
        self.log.iter().filter(move |line| line.message == name)
    }

    /// The log of one worker, with all its processes, as text for errors.
    #[must_use]
    pub fn log_of(&self, worker: &str) -> String {
        let lines = self.log.iter().filter(|line| &*line.worker == worker);
        lines.map(|line| format!("{:.1} {} {}\n", line.at, line.message, line.fields())).collect()
    }
}
