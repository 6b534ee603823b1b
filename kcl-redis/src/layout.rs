//! The layout of the keys.

use kcl_core::store::codec::RowKind;

/// The version of this layout. A release accepts this version and the one before.
pub(crate) const VERSION: u64 = 1;

/// The keys of one application. They share a hash tag, so that a cluster keeps them on one node and
/// a script may use several.
#[derive(Clone, Debug)]
pub(crate) struct Keys {
    /// The prefix and the hash tag, such as `kcl:{orders}`.
    home: String,
}

impl Keys {
    pub(crate) fn new(prefix: &str, application: &str) -> Self {
        Self { home: format!("{prefix}{{{application}}}") }
    }

    /// The key of the layout's version.
    pub(crate) fn layout(&self) -> String {
        format!("{}:layout", self.home)
    }

    /// The key of the hash with all rows of a kind.
    pub(crate) fn rows(&self, kind: RowKind) -> String {
        let kind = match kind {
            RowKind::Session => "sessions",
            RowKind::Lease => "leases",
            RowKind::Document => "documents",
        };
        format!("{}:{kind}", self.home)
    }

    /// The key of the sorted set with the names of all rows of a kind, by which listings page.
    pub(crate) fn names(&self, kind: RowKind) -> String {
        format!("{}:names", self.rows(kind))
    }

    /// The channel for the wake-ups of a session.
    pub(crate) fn channel(&self, session: &str) -> String {
        format!("{}:wake:{session}", self.home)
    }
}
