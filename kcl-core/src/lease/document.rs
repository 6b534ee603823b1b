//! Named documents: assignments, placement rules, the frozen start.

use std::{fmt, str::FromStr, sync::Arc};

use bytes::Bytes;

use super::{InvalidName, WorkerId, identity::check_name};
use crate::stream::StreamKey;

/// How the names of what belongs to one worker begin.
const OF_WORKERS: [&str; 2] = ["assignment:", REPORT];

/// How the names of workers' reports begin.
const REPORT: &str = "report:";

/// How the names of copies begin.
const COPY: &str = "copy:";

/// The name of a document, unique within an application.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DocName(Arc<str>);

impl DocName {
    /// The longest name, in bytes.
    pub const MAX_LENGTH: usize = 300;

    /// What `worker` should hold.
    #[must_use]
    pub fn assignment(worker: &WorkerId) -> Self {
        Self(format!("assignment:{worker}").into())
    }

    /// What `worker` tells of itself and of its shards.
    #[must_use]
    pub fn report(worker: &WorkerId) -> Self {
        Self(format!("{REPORT}{worker}").into())
    }

    /// The worker whose report this document is.
    #[must_use]
    pub fn reporter(&self) -> Option<WorkerId> {
        self.0.strip_prefix(REPORT)?.parse().ok()
    }

    /// What the planner tells of its plan.
    #[must_use]
    pub fn planner_report() -> Self {
        Self("@report".into())
    }

    /// Which leases went from whom to whom lately.
    #[must_use]
    pub fn moves() -> Self {
        Self("@moves".into())
    }

    /// That somebody watches: workers then report with each beat.
    #[must_use]
    pub fn watch() -> Self {
        Self("watch".into())
    }

    /// Whether this document only tells what a running fleet does: no worker goes by it.
    #[must_use]
    pub fn is_told(&self) -> bool {
        let of_all = [Self::planner_report(), Self::moves(), Self::watch()];
        self.0.starts_with(REPORT) || of_all.contains(self)
    }

    /// Whether this document belongs to one worker: nobody else has a use for it.
    #[must_use]
    pub fn is_of_worker(&self) -> bool {
        OF_WORKERS.iter().any(|prefix| self.0.starts_with(prefix))
    }

    /// Which shards must or should go to which workers: the operator's, which no planner writes.
    #[must_use]
    pub fn placement() -> Self {
        Self("placement".into())
    }

    /// Which shards follow a rule of their ancestors', of whose rows nothing is left.
    #[must_use]
    pub fn inherited() -> Self {
        Self("inherited".into())
    }

    /// Which stream the application reads.
    #[must_use]
    pub fn streams() -> Self {
        Self("streams".into())
    }

    /// Which tables of other libraries were imported.
    #[must_use]
    pub fn imported() -> Self {
        Self("imported".into())
    }

    /// Whether the application is closed while its rows are rewritten, and by whom.
    #[must_use]
    pub fn changing() -> Self {
        Self("changing".into())
    }

    /// Where reading of a stream starts that has no lease yet.
    #[must_use]
    pub fn start(stream: &StreamKey) -> Self {
        Self(format!("start:{}:{}", stream.name, stream.created.as_millis()).into())
    }

    /// Which documents are the copy of everything that was made for a change.
    #[must_use]
    pub fn copy(change: u64) -> Self {
        Self(format!("{COPY}{change}").into())
    }

    /// A part of that copy, as one turn of the change wrote it.
    #[must_use]
    pub fn copy_part(change: u64, turn: &str, part: usize) -> Self {
        Self(format!("{COPY}{change}:{turn}:{part}").into())
    }

    /// The change whose copy this document is, or is a part of.
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
