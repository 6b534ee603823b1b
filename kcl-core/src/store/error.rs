//! Errors of a lease store, sorted by what the caller has to do.

use std::{error::Error as StdError, fmt};

/// The result of an operation on a lease store.
pub type StoreResult<T> = Result<T, StoreError>;

/// The kind of a failure, which decides what the caller does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum StoreErrorKind {
    /// The request did not reach the store, or the store says that it wrote nothing. The caller
    /// tries again.
    Unavailable,
    /// The request exceeded a rate limit; the store wrote nothing. The caller tries again later and
    /// less often.
    Throttled,
    /// The store may have applied the request, or may apply it later. The caller reads the row
    /// before it decides anything.
    Unknown,
    /// The credentials are missing or wrong, or lack a permission.
    Denied,
    /// The store cannot work as it is configured: the table belongs to another program, the schema
    /// has another version, or the server is read-only.
    Misconfigured,
    /// The table or schema does not exist; the store wrote nothing. [`super::LeaseStore::prepare`]
    /// creates it; a running worker calls that by itself.
    Missing,
    /// A row cannot be decoded.
    Corrupt,
}

impl fmt::Display for StoreErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unavailable => "the lease store is unavailable",
            Self::Throttled => "the lease store asks to slow down",
            Self::Unknown => "the lease store did not answer, the write may have been applied",
            Self::Denied => "access to the lease store was denied: check credentials and rights",
            Self::Misconfigured => "the lease store is not set up for this",
            Self::Missing => "the lease store is not there: its table or schema is missing",
            Self::Corrupt => "a row of the lease store makes no sense",
        })
    }
}

/// A failed operation on a lease store.
#[derive(Debug, thiserror::Error)]
#[error("{op} of {key} failed: {kind}")]
#[non_exhaustive]
pub struct StoreError {
    /// The kind, which decides what the caller does.
    pub kind: StoreErrorKind,
    /// The operation, as [`super::LeaseStore`] names it.
    pub op: &'static str,
    /// The row or table that the operation was for.
    pub key: String,
    /// The error of the store or of the transport. It never contains a password.
    #[source]
    pub source: Option<Box<dyn StdError + Send + Sync>>,
}

impl StoreError {
    /// Makes an error of `kind` in `op` on `key`, without a cause.
    #[must_use]
    pub fn new(kind: StoreErrorKind, op: &'static str, key: impl Into<String>) -> Self {
        Self { kind, op, key: key.into(), source: None }
    }

    /// Returns the same error with `source` as its cause.
    #[must_use]
    pub fn caused_by(mut self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// Whether the store may have applied the operation, or may apply it later.
    #[must_use]
    pub const fn may_have_applied(&self) -> bool {
        matches!(self.kind, StoreErrorKind::Unknown)
    }

    /// Whether a retry can succeed although no operator changes anything.
    #[must_use]
    pub const fn is_retryable(&self) -> bool {
        matches!(
            self.kind,
            StoreErrorKind::Unavailable | StoreErrorKind::Throttled | StoreErrorKind::Unknown
        )
    }
}
