//! Everything that the consumers of a fleet wrote.

use std::collections::BTreeSet;

use kcl_core::lease::Lease;

use super::{Delivery, LogLine};

/// Everything that the consumers of a fleet wrote, in the order of each process.
#[derive(Clone, Debug, Default)]
pub struct History {
    /// What stood on standard output.
    pub deliveries: Vec<Delivery>,
    /// What stood on standard error.
    pub log: Vec<LogLine>,
    /// Lines of standard output that are no records.
    pub broken: Vec<String>,
    /// What stood in the store whenever somebody looked.
    pub readings: Vec<Reading>,
    /// A process was stopped in the midst of its work.
    pub stood_still: bool,
    pub(super) passes: u64,
}

/// The lease rows as they were read.
#[derive(Clone, Debug)]
pub struct Reading {
    /// The last pass of the watcher that had begun when they had been read: what is seen two passes
    /// later was written after that.
    pub pass: u64,
    /// When that was, in milliseconds since 1970.
    pub seen: f64,
    /// The rows.
    pub rows: Vec<Lease>,
}

impl History {
    /// How many different records were delivered.
    #[must_use]
    pub fn distinct(&self) -> usize {
        let different = self.deliveries.iter().map(|record| (&record.shard, &record.sequence));
        different.collect::<BTreeSet<_>>().len()
    }

    /// The log's events of this name.
    pub fn events<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a LogLine> {
        self.log.iter().filter(move |line| line.message == name)
    }

    /// What one worker logged, as lines, for messages of failures.
    #[must_use]
    pub fn log_of(&self, worker: &str) -> String {
        let lines = self.log.iter().filter(|line| &*line.worker == worker);
        lines.map(|line| format!("{:.1} {} {}\n", line.at, line.message, line.fields())).collect()
    }
}
