//! Errors of a stream source, sorted by what the caller has to do.

use std::error::Error as StdError;

/// The result of an operation on a stream.
pub type SourceResult<T> = Result<T, SourceError>;

/// The kind of a failure, which decides what the caller does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SourceErrorKind {
    /// The service did not answer, or answered with a temporary failure. The caller tries again.
    Unavailable,
    /// The request exceeded a rate limit. The caller tries again later and less often.
    Throttled,
    /// The credentials are missing or wrong, or lack a permission.
    Denied,
    /// The service cannot use the KMS key that encrypts the records. No record is skipped.
    Encryption,
    /// The stream does not exist.
    NoStream,
    /// The shard does not exist, or the stream lists it no more.
    NoShard,
    /// The request names another stream, or another life of this one.
    OtherStream,
    /// A setting cannot work, or the service refuses the request as malformed.
    Misconfigured,
    /// The source cannot interpret the answer of the service.
    Corrupt,
}

/// A failed operation on a stream.
#[derive(Debug, thiserror::Error)]
#[error("{op} of {subject} failed: {}", self.says())]
#[non_exhaustive]
pub struct SourceError {
    /// The kind, which decides what the caller does.
    pub kind: SourceErrorKind,
    /// The operation, as the service names it (`GetRecords`, `ListShards`, …).
    pub op: &'static str,
    /// The stream or shard that the operation was for.
    pub subject: String,
    /// The error of the service or of the transport.
    #[source]
    pub source: Option<Box<dyn StdError + Send + Sync>>,
    /// A text that replaces the text of the kind, where it says more.
    what: Option<&'static str>,
}

impl SourceError {
    /// Makes an error of `kind` in `op` on `subject`, without a cause.
    #[must_use]
    pub fn new(kind: SourceErrorKind, op: &'static str, subject: impl Into<String>) -> Self {
        Self { kind, op, subject: subject.into(), source: None, what: None }
    }

    /// Returns the same error, whose message says `what` in place of the text of its kind.
    #[must_use]
    pub const fn saying(mut self, what: &'static str) -> Self {
        self.what = Some(what);
        self
    }

    fn says(&self) -> String {
        self.what.map_or_else(|| self.kind.to_string(), str::to_owned)
    }

    /// Returns the same error with `source` as its cause.
    #[must_use]
    pub fn caused_by(mut self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// Whether a retry can succeed although no operator changes anything.
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
