//! The last fault of a shard, by kind. A report holds no text of an error, which may hold data of
//! records.

use std::time::Duration;

use super::named::named;

named! {
    /// What went wrong with a shard. Kinds may come.
    TroubleKind {
        Unavailable = "unavailable": "the stream does not answer",
        Throttled = "throttled": "the stream refuses reads because there are too many",
        Denied = "denied": "the worker may not read the stream",
        Encryption = "encryption": "the records' KMS key cannot be used",
        NoStream = "no-stream": "the stream is not there",
        NoShard = "no-shard": "the stream does not know the shard",
        OtherStream = "other-stream": "the stream is another one, or in another life",
        Misconfigured = "misconfigured": "the stream refuses the request as invalid",
        Corrupt = "corrupt": "the stream's answer makes no sense",
        ReadFailed = "read-failed": "reading fails",
        Standstill = "standstill": "the stream answers, and reading gets nowhere",
        BatchFailed = "batch-failed": "the processor fails a batch, which is delivered again",
        Panicked = "panicked": "the processor panicked",
        Stalled = "stalled": "the processor makes no progress",
        StartFailed = "start-failed": "the processor cannot start",
        EndFailed = "end-failed": "the processor does not acknowledge the end of the shard",
        DeadLetterFailed = "dead-letter-failed": "the dead-letter sink fails, and the record waits",
        Broken = "broken": "what the program gave the worker panicked outside of a batch",
        Stopped = "stopped": "the shard is stopped, as the failure policy says",
        ChildrenUnknown = "children-unknown": "the shards that continue the shard cannot be listed",
    }
}

/// The last fault of a shard.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Trouble {
    /// The kind of the fault.
    pub kind: TroubleKind,
    /// The time from the last such fault to the report.
    pub ago: Duration,
    /// The time for which the shard had been failing without a break when the report was written;
    /// `None` if it was read or processed since.
    pub failing: Option<Duration>,
}

impl Trouble {
    /// A fault with these fields.
    #[must_use]
    pub const fn new(kind: TroubleKind, ago: Duration, failing: Option<Duration>) -> Self {
        Self { kind, ago, failing }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kind_reads_back_and_one_of_a_later_version_keeps_its_name() {
        for kind in TroubleKind::ALL {
            assert_eq!(TroubleKind::named(kind.as_str()), *kind);
            assert_ne!(kind.means(), kind.as_str());
        }
        let later = TroubleKind::named("bored");
        assert_eq!((later.as_str(), later.means()), ("bored", "bored"));
    }
}
