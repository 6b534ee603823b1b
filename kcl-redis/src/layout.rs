//! How rows lie in the server.

/// The version of this layout. A release reads this one and the one before.
pub(crate) const VERSION: u64 = 1;

/// A kind of rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Session,
    Lease,
    Document,
}

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
    pub(crate) fn rows(&self, kind: Kind) -> String {
        let kind = match kind {
            Kind::Session => "sessions",
            Kind::Lease => "leases",
            Kind::Document => "documents",
        };
        format!("{}:{kind}", self.home)
    }

    /// The sorted set of the names of a kind: what pages are cut from.
    pub(crate) fn names(&self, kind: Kind) -> String {
        format!("{}:names", self.rows(kind))
    }

    /// The channel on which a session is woken.
    pub(crate) fn channel(&self, session: &str) -> String {
        format!("{}:wake:{session}", self.home)
    }
}
