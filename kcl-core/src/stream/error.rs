//! What can go wrong between a worker and its stream.

use std::error::Error as StdError;

/// The result of an operation on a stream.
pub type SourceResult<T> = Result<T, SourceError>;

/// What kind of failure it was, which is to say what to do about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SourceErrorKind {
    /// The service did not answer, or answered that it cannot now. Try again.
    Unavailable,
    /// A rate limit was met. Try again later and more slowly.
    Throttled,
    /// Credentials are missing, wrong or lack a right. Trying again helps only once that is mended.
    Denied,
    /// The records' encryption key cannot be used (KMS). Nothing is skipped meanwhile.
    Encryption,
    /// There is no such stream.
    NoStream,
    /// There is no such shard (any more).
    NoShard,
    /// What is asked for belongs to another stream, or to another life of this one.
    OtherStream,
    /// The settings cannot work, or the service refuses the request as malformed.
    Misconfigured,
    /// The answer makes no sense.
    Corrupt,
}

/// A failed operation on a stream.
#[derive(Debug, thiserror::Error)]
#[error("{op} of {subject} failed: {}", self.says())]
#[non_exhaustive]
pub struct SourceError {
    /// What to do about it.
    pub kind: SourceErrorKind,
    /// The operation, as the service calls it (`GetRecords`, `ListShards`, …).
    pub op: &'static str,
    /// The stream or shard it was about.
    pub subject: String,
    /// What the service or the transport said.
    #[source]
    pub source: Option<Box<dyn StdError + Send + Sync>>,
    /// What happened, where that says more than the kind does.
    what: Option<&'static str>,
}

impl SourceError {
    /// An error of `kind` in `op` on `subject`.
    #[must_use]
    pub fn new(kind: SourceErrorKind, op: &'static str, subject: impl Into<String>) -> Self {
        Self { kind, op, subject: subject.into(), source: None, what: None }
    }

    /// The same error, which says `what` happened in place of what its kind says.
    #[must_use]
    pub const fn saying(mut self, what: &'static str) -> Self {
        self.what = Some(what);
        self
    }

    fn says(&self) -> String {
        self.what.map_or_else(|| self.kind.to_string(), str::to_owned)
    }

    /// The same error with its cause.
    #[must_use]
    pub fn caused_by(mut self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// Whether the same request may succeed later without anybody mending anything.
    #[must_use]
    pub const fn is_retryable(&self) -> bool {
        matches!(self.kind, SourceErrorKind::Unavailable | SourceErrorKind::Throttled)
    }
}

impl std::fmt::Display for SourceErrorKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Unavailable => "the stream service is unavailable",
            Self::Throttled => "the stream service asks to slow down",
            Self::Denied => "access was denied: check credentials, region and rights",
            Self::Encryption => "the records' KMS key cannot be used: check its state and rights",
            Self::NoStream => "there is no such stream: check its name, the region and the account",
            Self::NoShard => "there is no such shard",
            Self::OtherStream => "that is of another stream, or of another life of this one",
            Self::Misconfigured => "the request was refused as invalid",
            Self::Corrupt => "the answer makes no sense",
        })
    }
}
