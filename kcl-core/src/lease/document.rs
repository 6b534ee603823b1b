//! Named documents with a version: assignments, placement rules, the frozen start, reports, copies.

use std::{fmt, str::FromStr, sync::Arc};

use bytes::Bytes;

use super::{InvalidName, WorkerId, identity::check_name};
use crate::stream::StreamKey;

/// The prefixes of documents that belong to one worker.
const OF_WORKERS: [&str; 2] = ["assignment:", REPORT];

/// The prefix of workers' reports.
const REPORT: &str = "report:";

/// The prefix of the documents of a copy, which is made before a change.
const COPY: &str = "copy:";

/// The name of a document, unique within an application.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DocName(Arc<str>);

impl DocName {
    /// The longest name, in bytes.
    pub const MAX_LENGTH: usize = 300;

    /// The assignment of `worker`: the leases that it should hold. The planner writes it.
    #[must_use]
    pub fn assignment(worker: &WorkerId) -> Self {
        Self(format!("assignment:{worker}").into())
    }

    /// The report of `worker` on itself and its shards. The worker writes it.
    #[must_use]
    pub fn report(worker: &WorkerId) -> Self {
        Self(format!("{REPORT}{worker}").into())
    }

    /// The worker whose report this document is; `None` for any other document.
    #[must_use]
    pub fn reporter(&self) -> Option<WorkerId> {
        self.0.strip_prefix(REPORT)?.parse().ok()
    }

    /// The planner's report on its plan.
    #[must_use]
    pub fn planner_report() -> Self {
        Self("@report".into())
    }

    /// The last moves of leases between workers. The planner writes it.
    #[must_use]
    pub fn moves() -> Self {
        Self("@moves".into())
    }

    /// The request of a dashboard or of `kcl doctor --watch` that workers report with each beat.
    #[must_use]
    pub fn watch() -> Self {
        Self("watch".into())
    }

    /// True for documents that only describe a running fleet. No decision depends on them.
    #[must_use]
    pub fn is_told(&self) -> bool {
        let of_all = [Self::planner_report(), Self::moves(), Self::watch()];
        self.0.starts_with(REPORT) || of_all.contains(self)
    }

    /// True for documents that belong to one worker: its assignment and its report.
    #[must_use]
    pub fn is_of_worker(&self) -> bool {
        OF_WORKERS.iter().any(|prefix| self.0.starts_with(prefix))
    }

    /// The operator's placement rules and marks. No planner writes it.
    #[must_use]
    pub fn placement() -> Self {
        Self("placement".into())
    }

    /// The placement rules that shards inherit from ancestors whose rows are deleted. The planner
    /// writes it.
    #[must_use]
    pub fn inherited() -> Self {
        Self("inherited".into())
    }

    /// The stream that the application reads.
    #[must_use]
    pub fn streams() -> Self {
        Self("streams".into())
    }

    /// The imported lease tables of other libraries.
    #[must_use]
    pub fn imported() -> Self {
        Self("imported".into())
    }

    /// The state of the application, open or closed, and the command that closed it.
    #[must_use]
    pub fn changing() -> Self {
        Self("changing".into())
    }

    /// The frozen start: the position at which the application began to read this life of a stream.
    #[must_use]
    pub fn start(stream: &StreamKey) -> Self {
        Self(format!("start:{}:{}", stream.name, stream.created.as_millis()).into())
    }

    /// The list of the documents that hold the copy of all rows, made before a change.
    #[must_use]
    pub fn copy(change: u64) -> Self {
        Self(format!("{COPY}{change}").into())
    }

    /// One part of the copy of a change, as one run of the command (`turn`) wrote it.
    #[must_use]
    pub fn copy_part(change: u64, turn: &str, part: usize) -> Self {
        Self(format!("{COPY}{change}:{turn}:{part}").into())
    }

    /// The change whose copy this document is a part of; `None` for any other document.
    #[must_use]
    pub fn copy_of(&self) -> Option<u64> {
        let rest = self.0.strip_prefix(COPY)?;
        rest.split(':').next()?.parse().ok()
    }

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for DocName {
    type Err = InvalidName;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        check_name("document name", text, Self::MAX_LENGTH)?;
        Ok(Self(text.into()))
    }
}

impl fmt::Display for DocName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for DocName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A document as stored.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Document {
    /// Its name.
    pub name: DocName,
    /// Counts its writes: 1 for the first.
    pub version: u64,
    /// Its content, up to [`Self::MAX_BODY`] bytes.
    pub body: Bytes,
}

impl Document {
    /// The largest body, in bytes: what fits an item of DynamoDB (400 KB) with room for its keys.
    pub const MAX_BODY: usize = 390_000;

    /// A document as stored.
    #[must_use]
    pub const fn new(name: DocName, version: u64, body: Bytes) -> Self {
        Self { name, version, body }
    }
}
