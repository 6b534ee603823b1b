//! How rows lie in the server.

use kcl_core::store::codec::RowKind;

/// The version of this layout. A release reads this one and the one before.
pub(crate) const VERSION: u64 = 1;

/// The keys of one application. All of them share a hash tag, so that a cluster keeps them on one
/// node and a script may touch several.
#[derive(Clone, Debug)]
pub(crate) struct Keys {
    /// Prefix and hash tag.
    home: String,
}

impl Keys {
    pub(crate) fn new(prefix: &str, application: &str) -> Self {
        Self { home: format!("{prefix}{{{application}}}") }
    }

    /// Where the layout's version stands.
    pub(crate) fn layout(&self) -> String {
        format!("{}:layout", self.home)
    }

    /// The hash that holds the rows of a kind, by name.
    pub(crate) fn rows(&self, kind: RowKind) -> String {
        let kind = match kind {
            RowKind::Session => "sessions",
            RowKind::Lease => "leases",
            RowKind::Document => "documents",
        };
        format!("{}:{kind}", self.home)
    }

    /// The sorted set of the names of a kind: what pages are cut from.
    pub(crate) fn names(&self, kind: RowKind) -> String {
        format!("{}:names", self.rows(kind))
    }

    /// The channel on which a session is woken.
    pub(crate) fn channel(&self, session: &str) -> String {
        format!("{}:wake:{session}", self.home)
    }
}
