//! Everything that the consumers of a fleet wrote.

use std::collections::BTreeSet;

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
    pub(super) passes: u64,
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
