//! What the judges return: findings, and what they could not judge.
//!
//! The names of the kinds are a public interface: scripts compare them, and `docs/DOCTOR.md` lists
//! them. A test compares that page with the table here.

use serde::Serialize;

use super::remedy::Remedy;

/// How bad a finding is. Findings are sorted by it, problems first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Severity {
    /// Records are not read, or the stream deletes them soon or has deleted them unread.
    Problem,
    /// Something that may become a problem, that mends itself, or that differs from what it should
    /// be.
    Warning,
}

/// Each kind of finding: its variant, its name, and what it means.
macro_rules! kinds {
    ($($variant:ident = $name:literal: $means:literal),+ $(,)?) => {
        /// What is wrong. `Serialize` writes the name, like `shards-unread`.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
        pub(crate) enum Kind {
            $(#[doc = $means] #[serde(rename = $name)] $variant,)+
        }

        impl Kind {
            /// The name, as the screen and JSON show it.
            pub(crate) const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)+ }
            }

            /// All kinds with their meanings, for the test of `docs/DOCTOR.md`.
            #[cfg(test)]
            pub(crate) const ALL: &[(Self, &'static str)] = &[$((Self::$variant, $means)),+];
        }
    };
}

kinds! {
    NothingThere = "nothing-there": "nothing of the application is in the store",
    Closed = "closed": "the application is closed while its rows are rewritten: workers wait",
    NoWorker = "no-worker": "no worker's beat was seen to move",
    WorkerSilent = "worker-silent": "a worker's beat stands still",
    NobodyPlans = "nobody-plans": "workers live, and none of them plans",
    ShardsUnread = "shards-unread": "shards that could be read are read by nobody",
    RowUnreadable = "row-unreadable": "a row of the store makes no sense",
    DocumentUnreadable = "document-unreadable": "a document of the store makes no sense",
    RecordsExpire = "records-expire": "unread records are older than half of the retention",
    RecordsExpired = "records-expired": "a checkpoint is older than what the stream keeps",
    ShardFails = "shard-fails": "a worker tells that it cannot read or process a shard",
    WorkerDenied = "worker-denied": "store or stream denied a worker a call",
    ReadByOthers = "read-by-others": "reads are throttled that the worker's own do not explain",
    ReaderStalled = "reader-stalled": "its worker lives, records wait, and a checkpoint stands",
    LagHigh = "lag-high": "the oldest unread record is older than --max-lag",
    LagGrows = "lag-grows": "shards fall behind faster than they are read",
    LeaseOrphaned = "lease-orphaned": "a lease belongs to a session that is over",
    LeaseWithoutShard = "lease-without-shard": "a lease is of a shard that the stream forgot",
    EndedWhileOpen = "ended-while-open": "a lease has ended, and its shard takes records",
    HashRangeHole = "hash-range-hole": "hash keys that no open shard covers",
    RuleOfAbsentWorker = "rule-of-absent-worker": "a rule requires a worker that is not there",
    ShareUneven = "share-uneven": "a worker is far from its share",
    VersionsDiffer = "versions-differ": "workers run different versions",
    SettingsDiffer = "settings-differ": "workers have different times or say different things",
    OtherStream = "other-stream": "workers, leases or this command are about different streams",
    ClockOff = "clock-off": "this machine's clock, a worker's, the store's and the stream's differ",
}

/// One thing that is wrong, with its cause and its remedies.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Finding {
    pub(crate) severity: Severity,
    pub(crate) kind: Kind,
    /// The workers that it concerns; may be empty.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) workers: Vec<String>,
    /// The shards that it concerns; may be empty.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) shards: Vec<String>,
    /// What is wrong, in a sentence.
    pub(crate) says: String,
    /// The chain of causes, from the symptom to its root. Empty if `says` names the cause.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) because: Vec<String>,
    /// What the operator can do, the best first. There is always one.
    pub(crate) remedies: Vec<Remedy>,
}

impl Finding {
    /// A finding with its first remedy.
    pub(crate) fn new(
        severity: Severity,
        kind: Kind,
        says: impl Into<String>,
        remedy: Remedy,
    ) -> Self {
        let (workers, shards, because) = (Vec::new(), Vec::new(), Vec::new());
        Self { severity, kind, workers, shards, says: says.into(), because, remedies: vec![remedy] }
    }

    /// Replaces the workers.
    pub(crate) fn of_workers(mut self, workers: impl IntoIterator<Item = impl ToString>) -> Self {
        self.workers = workers.into_iter().map(|worker| worker.to_string()).collect();
        self
    }

    /// Replaces the shards.
    pub(crate) fn of_shards(mut self, shards: impl IntoIterator<Item = impl ToString>) -> Self {
        self.shards = shards.into_iter().map(|shard| shard.to_string()).collect();
        self
    }

    /// Adds a cause, one step nearer to the root.
    pub(crate) fn since(mut self, why: impl Into<String>) -> Self {
        self.because.push(why.into());
        self
    }

    /// Adds another remedy.
    pub(crate) fn or(mut self, remedy: Remedy) -> Self {
        self.remedies.push(remedy);
        self
    }
}

/// A question that the judges could not answer, because a source did not. It makes the exit code 2
/// if nothing is found wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Unknown {
    /// The question or the source.
    pub(crate) what: String,
    /// The error of the source, or what the user can do.
    pub(crate) why: String,
}

impl Unknown {
    /// Why, without the name of the call that failed: a store that is away fails every listing for
    /// the same cause.
    pub(crate) fn cause(&self) -> &str {
        self.why.split_once(" failed: ").map_or(&self.why, |(_, cause)| cause)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_lists_every_kind_with_its_meaning_and_no_other() {
        let page = include_str!("../../../docs/DOCTOR.md");
        let rows = page.lines().filter_map(|line| line.strip_prefix("| `"));
        let listed: Vec<(&str, &str)> = rows
            .filter_map(|row| row.split_once("` | "))
            .map(|(name, rest)| (name, rest.split(" | ").next().unwrap()))
            .collect();
        let kinds: Vec<(&str, &str)> =
            Kind::ALL.iter().map(|(kind, means)| (kind.name(), *means)).collect();
        assert_eq!(listed, kinds);
    }
}
