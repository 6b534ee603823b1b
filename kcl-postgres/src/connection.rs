//! One connection, or why there is none.

use kcl_core::store::Era;
use sqlx::PgConnection;

/// A connection, and when it was made.
pub(crate) struct Held {
    pub(crate) connection: PgConnection,
    pub(crate) era: Era,
}

/// Why no connection could be made.
pub(crate) enum ConnectError {
    /// The driver's or the server's reason.
    Failed(sqlx::Error),
    /// It would not have been the server's own.
    Pooled,
    /// The server follows another one.
    Follows,
}

impl From<sqlx::Error> for ConnectError {
    fn from(error: sqlx::Error) -> Self {
        Self::Failed(error)
    }
}
