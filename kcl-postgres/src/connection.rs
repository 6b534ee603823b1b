//! The type of a connection, and the reasons for which none can be made.

use kcl_core::store::Era;
use sqlx::PgConnection;

/// A connection, and the era in which it was made ([`kcl_core::store::Eras`]).
pub(crate) struct Held {
    pub(crate) connection: PgConnection,
    pub(crate) era: Era,
}

/// The reason for which no connection could be made.
pub(crate) enum ConnectError {
    /// The driver or the server failed.
    Failed(sqlx::Error),
    /// A pooler is between this process and the server.
    Pooled,
    /// The server is a standby.
    Follows,
}

impl From<sqlx::Error> for ConnectError {
    fn from(error: sqlx::Error) -> Self {
        Self::Failed(error)
    }
}
