//! How rows lie in the schema.

use std::fmt;

/// The version of this layout. A release reads this one and the one after it, which may only add
/// to it; an older one is brought up to this.
pub(crate) const VERSION: i64 = 2;

/// What brings a schema from each version to the next; the first makes it. Each does no harm where
/// it was done before, so that all of them in a row suit a schema of any version.
pub(crate) const MIGRATIONS: [&str; 2] =
    [include_str!("migrations/1.sql"), include_str!("migrations/2.sql")];

/// The tables that every worker writes.
pub(crate) const WRITTEN: [&str; 3] = ["session", "lease", "document"];

/// The name of a schema: of harmless characters, and quoted where it is used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Schema(String);

impl Schema {
    pub(crate) fn parse(name: &str) -> Option<Self> {
        let allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-');
        // Names that begin so are the server's own.
        let fits = (1..=63).contains(&name.len()) && !name.starts_with("pg_");
        (fits && name.bytes().all(allowed)).then(|| Self(name.to_owned()))
    }

    pub(crate) fn name(&self) -> &str {
        &self.0
    }

    /// A statement in which the schema is called `{s}`.
    pub(crate) fn sql(&self, statement: &str) -> String {
        statement.replace("{s}", &self.to_string())
    }
}

/// Quoted.
impl fmt::Display for Schema {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{}\"", self.0)
    }
}
