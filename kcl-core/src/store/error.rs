//! What can go wrong between a worker and its lease store.

use std::{error::Error as StdError, fmt};

/// The result of an operation on a lease store.
pub type StoreResult<T> = Result<T, StoreError>;

/// What kind of failure it was, which is to say what to do about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum StoreErrorKind {
    /// The request never reached the store, or the store says that it did nothing. Try again.
    Unavailable,
    /// A rate limit was met; nothing was done. Try again later and more slowly.
    Throttled,
    /// The request may or may not have been applied, and may still be. Read it back, and rely on
    /// nothing.
    Unknown,
    /// Credentials are missing, wrong or lack a right.
    Denied,
    /// The store cannot work as it is set up: a foreign table, a schema of another version, a
    /// read-only server.
    Misconfigured,
    /// There is no table or schema (any more); nothing was done. [`super::LeaseStore::prepare`]
    /// makes it, and a worker that runs calls that.
    Missing,
    /// A row makes no sense.
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
    /// What to do about it.
    pub kind: StoreErrorKind,
    /// The operation, as [`super::LeaseStore`] names it.
    pub op: &'static str,
    /// The row or table it was about.
    pub key: String,
    /// What the store or the transport said. Never holds a password.
    #[source]
    pub source: Option<Box<dyn StdError + Send + Sync>>,
}

impl StoreError {
    /// An error of `kind` in `op` on `key`.
    #[must_use]
    pub fn new(kind: StoreErrorKind, op: &'static str, key: impl Into<String>) -> Self {
        Self { kind, op, key: key.into(), source: None }
    }

    /// The same error with its cause.
    #[must_use]
    pub fn caused_by(mut self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// Whether the operation may have been applied, or may still be.
    #[must_use]
    pub const fn may_have_applied(&self) -> bool {
        matches!(self.kind, StoreErrorKind::Unknown)
    }

    /// Whether trying again can help without anybody mending anything.
    #[must_use]
    pub const fn is_retryable(&self) -> bool {
        matches!(
            self.kind,
            StoreErrorKind::Unavailable | StoreErrorKind::Throttled | StoreErrorKind::Unknown
        )
    }
}
