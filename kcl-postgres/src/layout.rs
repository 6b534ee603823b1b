//! The layout of the schema: its version, its migrations, and its name.

use std::fmt;

/// The version of this layout. A release accepts this version and the next, which may only add to
/// it, and migrates an older one.
pub(crate) const VERSION: i64 = 2;

/// The migrations, each from one version to the next; the first makes the tables. Each is
/// idempotent, so that all of them in a row suit a schema of any version.
pub(crate) const MIGRATIONS: [&str; 2] =
    [include_str!("migrations/1.sql"), include_str!("migrations/2.sql")];

/// The tables that every worker writes.
pub(crate) const WRITTEN: [&str; 3] = ["session", "lease", "document"];

/// The name of a schema. It has only characters that need no escape inside quotes, and statements
/// quote it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Schema(String);

impl Schema {
    pub(crate) fn parse(name: &str) -> Option<Self> {
        let allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-');
        // PostgreSQL reserves names that begin with `pg_`.
        let fits = (1..=63).contains(&name.len()) && !name.starts_with("pg_");
        (fits && name.bytes().all(allowed)).then(|| Self(name.to_owned()))
    }

    pub(crate) fn name(&self) -> &str {
        &self.0
    }

    /// Replaces `{s}` in a statement by the quoted name.
    pub(crate) fn sql(&self, statement: &str) -> String {
        statement.replace("{s}", &self.to_string())
    }
}

/// The quoted name.
impl fmt::Display for Schema {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{}\"", self.0)
    }
}
