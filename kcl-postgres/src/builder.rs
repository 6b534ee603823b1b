//! Builds a [`PostgresStore`] from its settings, and checks their limits.

use std::{fmt, net::IpAddr, str::FromStr, time::Duration};

use sqlx::{
    ConnectOptions,
    postgres::{PgConnectOptions, PgSslMode},
};

use crate::{connections::Connections, layout::Schema, store::PostgresStore};

/// A setting that cannot work.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidSettings {
    /// The application's name has no byte, more than 255, or a control character.
    #[error(
        "{0:?} is no name of an application: expected 1 to {max} bytes without control characters",
        max = MAX_APPLICATION
    )]
    Application(String),
    /// The name is no valid name of a schema.
    #[error(
        "{0:?} is no name of a schema: expected 1 to 63 of the characters a-z A-Z 0-9 _ -, not \
         starting with pg_ (set another one with `schema`)"
    )]
    Schema(String),
    /// The server's address cannot be read. The text does not show it, because it may contain a
    /// password.
    #[error(
        "the address of the server cannot be read ({0}): expected postgres://user@host/database"
    )]
    Address(String),
    /// The server's address is missing.
    #[error("the address of the server is missing: give it with `url` or `connect_options`")]
    NoAddress,
    /// A timeout is shorter than 10 ms or longer than 1 h.
    #[error("{what} of {value:?}: expected 10 ms to 1 h")]
    Timeout {
        /// The timeout's name, in words.
        what: &'static str,
        /// Its value.
        value: Duration,
    },
    /// The number of connections is not from 1 to 1,000.
    #[error("{0} connections: expected 1 to 1,000")]
    Connections(usize),
}

/// The longest name of an application, in bytes.
const MAX_APPLICATION: usize = 255;

impl PostgresStore {
    /// Makes a store in the schema `kcl` of the database at `url`. It sends nothing yet.
    ///
    /// # Errors
    /// The address cannot be read, or the application's name is invalid.
    pub fn new(application: &str, url: &str) -> Result<Self, InvalidSettings> {
        Self::builder(application).url(url).build()
    }

    /// Starts to build a store of `application`.
    pub fn builder(application: &str) -> PostgresStoreBuilder {
        PostgresStoreBuilder::new(application)
    }
}

/// Builds a [`PostgresStore`].
#[derive(Clone)]
#[must_use = "a store comes of `build`"]
pub struct PostgresStoreBuilder {
    application: String,
    options: Option<Result<PgConnectOptions, InvalidSettings>>,
    schema: String,
    connections: usize,
    operation_timeout: Duration,
    statement_timeout: Duration,
}

impl PostgresStoreBuilder {
    fn new(application: &str) -> Self {
        Self {
            application: application.to_owned(),
            options: None,
            schema: "kcl".to_owned(),
            connections: 4,
            operation_timeout: Duration::from_secs(5),
            statement_timeout: Duration::from_millis(500),
        }
    }

    /// Sets the server's address, such as
    /// `postgres://user:password@host:5432/database?sslmode=verify-full`. Missing parts come from
    /// the environment (`PGPASSWORD`, `PGSSLROOTCERT`, `~/.pgpass` and others).
    pub fn url(mut self, url: &str) -> Self {
        let refused = |error: sqlx::Error| InvalidSettings::Address(error.to_string());
        let known = ["postgres://", "postgresql://"].iter().any(|scheme| url.starts_with(scheme));
        self.options = Some(if known {
            PgConnectOptions::from_str(url).map_err(refused)
        } else {
            Err(InvalidSettings::Address("another scheme than postgres://".to_owned()))
        });
        self
    }

    /// Sets the server's address as options of the driver.
    pub fn connect_options(mut self, options: PgConnectOptions) -> Self {
        self.options = Some(Ok(options));
        self
    }

    /// Sets the schema of the tables; the default is `kcl`. Several applications may share one.
    pub fn schema(mut self, name: &str) -> Self {
        self.schema = name.to_owned();
        self
    }

    /// Sets the most connections for everything except beats and wake-ups, which have their own.
    /// The default is 4; the range is `1..=1,000`.
    pub const fn connections(mut self, most: usize) -> Self {
        self.connections = most;
        self
    }

    /// Sets the time after which the outcome of an operation without an answer is unknown. It
    /// includes the wait for a connection. The default is 5 s; the range is 10 ms to 1 h.
    pub const fn operation_timeout(mut self, timeout: Duration) -> Self {
        self.operation_timeout = timeout;
        self
    }

    /// Sets the time after which the *server* cancels a statement. The default is 500 ms, a third
    /// of the default heartbeat interval; the range is 10 ms to 1 h.
    pub const fn statement_timeout(mut self, timeout: Duration) -> Self {
        self.statement_timeout = timeout;
        self
    }

    /// Makes the store. It sends nothing yet.
    ///
    /// # Errors
    /// The first setting that breaks a limit, or an address that is missing or cannot be read.
    pub fn build(self) -> Result<PostgresStore, InvalidSettings> {
        let application = self.application;
        let fits = (1..=MAX_APPLICATION).contains(&application.len());
        if !fits || application.chars().any(char::is_control) {
            let shown = application.chars().take(MAX_APPLICATION + 1).collect();
            return Err(InvalidSettings::Application(shown));
        }
        let schema = Schema::parse(&self.schema)
            .ok_or_else(|| InvalidSettings::Schema(self.schema.chars().take(64).collect()))?;
        if !(1..=1_000).contains(&self.connections) {
            return Err(InvalidSettings::Connections(self.connections));
        }
        let limits = Duration::from_millis(10)..=Duration::from_secs(3_600);
        let (operation, statement) = (self.operation_timeout, self.statement_timeout);
        for (what, value) in
            [("an operation timeout", operation), ("a statement timeout", statement)]
        {
            if !limits.contains(&value) {
                return Err(InvalidSettings::Timeout { what, value });
            }
        }
        let options = secured(self.options.unwrap_or(Err(InvalidSettings::NoAddress))?);
        let limit = Some(statement);
        let connections = Connections::new(options.clone(), self.connections, operation, limit);
        Ok(PostgresStore::assemble(application, schema, connections, options))
    }
}

/// Shows no password.
impl fmt::Debug for PostgresStoreBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresStoreBuilder")
            .field("application", &self.application)
            .field("schema", &self.schema)
            .field("connections", &self.connections)
            .field("operation_timeout", &self.operation_timeout)
            .field("statement_timeout", &self.statement_timeout)
            .finish_non_exhaustive()
    }
}

/// Returns the options with the check of the server's identity (`verify-full`), unless the server
/// is on this machine or the user has set another mode than the default `prefer`. Turns off the
/// driver's log of statements, which has levels of its own.
pub(crate) fn secured(options: PgConnectOptions) -> PgConnectOptions {
    let options = options.disable_statement_logging();
    if matches!(options.get_ssl_mode(), PgSslMode::Prefer) && !is_local(&options) {
        options.ssl_mode(PgSslMode::VerifyFull)
    } else {
        options
    }
}

/// True if the server is on this machine: a socket, `localhost` or a loopback address.
fn is_local(options: &PgConnectOptions) -> bool {
    let host = options.get_host();
    let address = host.trim_matches(['[', ']']).parse::<IpAddr>();
    options.get_socket().is_some()
        || host.starts_with('/')
        || host == "localhost"
        || address.is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    const URL: &str = "postgres://kcl:secret@127.0.0.1:5433/orders";

    fn mode_of(url: &str) -> PgSslMode {
        secured(url.parse().unwrap()).get_ssl_mode()
    }

    #[test]
    fn off_the_loopback_interface_the_server_proves_who_it_is() {
        for local in ["127.0.0.1", "localhost", "[::1]", "%2Frun%2Fpostgresql"] {
            let mode = mode_of(&format!("postgres://kcl@{local}/orders"));
            assert!(matches!(mode, PgSslMode::Prefer), "{local}: {mode:?}");
        }
        for far in ["db.example.com", "10.0.0.7", "localhost.example.com"] {
            let mode = mode_of(&format!("postgres://kcl@{far}/orders"));
            assert!(matches!(mode, PgSslMode::VerifyFull), "{far}: {mode:?}");
        }
        let asked = mode_of("postgres://kcl@db.example.com/orders?sslmode=require");
        assert!(matches!(asked, PgSslMode::Require), "{asked:?}");
    }

    #[test]
    fn nothing_shows_the_password() {
        let builder = PostgresStore::builder("orders").url(URL);
        assert!(!format!("{builder:?}").contains("secret"));
        let store = builder.build().unwrap();
        assert!(!format!("{store:?}").contains("secret"));
        let location = kcl_core::store::LeaseStore::location(&store);
        assert_eq!(location, "postgres://127.0.0.1:5433/orders?schema=kcl");
        let bad = PostgresStore::new("orders", "postgres://kcl:secret@[/orders").unwrap_err();
        assert!(!bad.to_string().contains("secret"), "{bad}");
    }

    #[test]
    fn settings_that_cannot_work_are_refused() {
        let builder = || PostgresStore::builder("orders").url(URL);
        let refused = |builder: PostgresStoreBuilder| builder.build().unwrap_err().to_string();
        for schema in ["", "kcl\"; drop", "pg_kcl", "a.b", &"x".repeat(64)] {
            assert!(refused(builder().schema(schema)).contains("`schema`"), "{schema:?}");
        }
        assert!(refused(builder().connections(0)).contains("1 to 1,000"));
        assert!(refused(builder().operation_timeout(Duration::ZERO)).contains("10 ms"));
        assert!(refused(builder().statement_timeout(Duration::MAX)).contains("1 h"));
        assert!(refused(PostgresStore::builder("orders")).contains("`url`"));
        assert!(refused(PostgresStore::builder("a\0b").url(URL)).contains("control"));
        let other = PostgresStore::new("orders", "mysql://localhost/orders").unwrap_err();
        assert!(other.to_string().contains("postgres://user@host"), "{other}");
    }
}
