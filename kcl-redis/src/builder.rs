//! Builds a [`RedisStore`] from its settings, and checks their limits.

use std::{fmt, time::Duration};

use redis::{
    ConnectionAddr, ConnectionInfo, IntoConnectionInfo, ProtocolVersion, TlsCertificates,
    io::tcp::{TcpSettings, socket2::TcpKeepalive},
};

use crate::{
    durability::{Durability, Replicas},
    layout::Keys,
    nodes::Nodes,
    rows::Rows,
    server::Server,
    store::RedisStore,
};

/// A setting that cannot work.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidSettings {
    /// The application's name has no byte, more than 255, a brace or a control character.
    #[error(
        "{0:?} cannot be an application's name: expected 1 to {max} bytes without {{, }} and \
         control characters",
        max = MAX_NAME
    )]
    Application(String),
    /// The key prefix has more than 255 bytes, a brace or a control character.
    #[error("{0:?} is no key prefix: expected up to {max} bytes without {{ and }}", max = MAX_NAME)]
    Prefix(String),
    /// The text is no address of a Redis server.
    #[error(
        "{shown:?} is no address of a Redis server: expected redis://host:port, rediss://host:port \
         or valkey://host:port ({why})"
    )]
    Url {
        /// The URL without credentials.
        shown: String,
        /// The reason.
        why: String,
    },
    /// The builder got no address.
    #[error("no server: give one with `url`")]
    NoServer,
    /// The operation timeout or the replica timeout is shorter than 10 ms.
    #[error("a timeout of {0:?}: expected 10 ms or more")]
    Timeout(Duration),
    /// The replica timeout is longer than half of the operation timeout.
    #[error(
        "a replica timeout of {replica:?}: expected at most half of the operation timeout of \
         {operation:?}"
    )]
    ReplicaTimeout {
        /// The replica timeout.
        replica: Duration,
        /// The operation timeout.
        operation: Duration,
    },
    /// The TLS certificates cannot be used.
    #[error("the TLS certificates cannot be used: {0}")]
    Certificates(String),
}

/// The longest name of an application and the longest prefix, in bytes.
const MAX_NAME: usize = 255;

/// The idle time after which TCP probes the peer, and the time between two probes.
const KEEPALIVE: Duration = Duration::from_secs(10);

impl RedisStore {
    /// Makes a store on the server at `url`, such as `redis://:password@host:6379/0`; with TLS
    /// `rediss://`. For a cluster, the address of one node is enough. It sends nothing yet.
    ///
    /// # Errors
    /// The URL cannot be read, or the application's name is invalid.
    pub fn new(application: &str, url: &str) -> Result<Self, InvalidSettings> {
        Self::builder(application).url(url).build()
    }

    /// Starts to build a store of `application`.
    pub fn builder(application: &str) -> RedisStoreBuilder {
        RedisStoreBuilder::new(application)
    }
}

/// Builds a [`RedisStore`].
#[derive(Clone)]
#[must_use = "a store comes of `build`"]
pub struct RedisStoreBuilder {
    application: String,
    prefix: String,
    nodes: Vec<Result<ConnectionInfo, InvalidSettings>>,
    credentials: Option<(Option<String>, String)>,
    certificates: Option<TlsCertificates>,
    timeout: Duration,
    durability: Durability,
    patience: Duration,
}

impl RedisStoreBuilder {
    fn new(application: &str) -> Self {
        Self {
            application: application.to_owned(),
            prefix: "kcl:".to_owned(),
            nodes: Vec::new(),
            credentials: None,
            certificates: None,
            timeout: Duration::from_secs(2),
            durability: Durability::default(),
            patience: Duration::from_millis(200),
        }
    }

    /// Adds the server's address: `redis://user:password@host:port/database`; with TLS `rediss://`.
    /// `valkey://` and `valkeys://` mean the same.
    ///
    /// For a cluster, one node is enough, and several are safer: add each with a call of its own.
    /// The store learns the other nodes from them. The credentials and the database of the first
    /// address hold for all.
    pub fn url(mut self, url: &str) -> Self {
        let keepalive = TcpKeepalive::new().with_time(KEEPALIVE).with_interval(KEEPALIVE);
        let tcp = TcpSettings::default().set_nodelay(true).set_keepalive(keepalive);
        let info = url.into_connection_info().map(|info| info.set_tcp_settings(tcp));
        self.nodes.push(info.map_err(|error| InvalidSettings::Url {
            shown: without_credentials(url),
            why: error.detail().unwrap_or("it cannot be read").to_owned(),
        }));
        self
    }

    /// Adds the server's address as a configuration of the client library, for settings that a URL
    /// cannot express, such as those of TCP. Its protocol version is ignored: the store uses RESP3.
    pub fn connection_info(mut self, info: ConnectionInfo) -> Self {
        self.nodes.push(Ok(info));
        self
    }

    /// Sets user and password instead of those of the URL. Without a user it is `default`.
    pub fn credentials(mut self, user: Option<&str>, password: &str) -> Self {
        self.credentials = Some((user.map(ToOwned::to_owned), password.to_owned()));
        self
    }

    /// Sets the certificates for `rediss://`: the authorities to trust instead of the machine's,
    /// and the client's own certificate.
    pub fn tls_certificates(mut self, certificates: TlsCertificates) -> Self {
        self.certificates = Some(certificates);
        self
    }

    /// Sets the prefix of all keys; the default is `kcl:`.
    pub fn key_prefix(mut self, prefix: &str) -> Self {
        self.prefix = prefix.to_owned();
        self
    }

    /// Sets the time after which the outcome of an operation without an answer is unknown. The
    /// default is 2 s, the minimum 10 ms. A connection attempt has half of it. Keep it below a
    /// third of the session timeout, so that a beat on a new connection is still in time.
    pub const fn operation_timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Sets the number of replicas for which a claim waits; the default is [`Durability::Auto`].
    pub const fn durability(mut self, durability: Durability) -> Self {
        self.durability = durability;
        self
    }

    /// Sets the time for which a claim waits for replicas. The default is 200 ms; the range is
    /// 10 ms to half of the operation timeout.
    pub const fn replica_timeout(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// Makes the store. It sends nothing yet.
    ///
    /// # Errors
    /// The first name, address or number that cannot be used.
    pub fn build(self) -> Result<RedisStore, InvalidSettings> {
        let forbidden = |c: char| c == '{' || c == '}' || c.is_control();
        let cut = |name: &str| name.chars().take(MAX_NAME + 1).collect();
        let length = self.application.len();
        if length == 0 || length > MAX_NAME || self.application.contains(forbidden) {
            return Err(InvalidSettings::Application(cut(&self.application)));
        }
        // A brace would change the hash tag, which keeps all keys on one node of a cluster.
        if self.prefix.len() > MAX_NAME || self.prefix.contains(forbidden) {
            return Err(InvalidSettings::Prefix(cut(&self.prefix)));
        }
        let shortest = self.timeout.min(self.patience);
        if shortest < Duration::from_millis(10) {
            return Err(InvalidSettings::Timeout(shortest));
        }
        if self.patience > self.timeout / 2 {
            let (replica, operation) = (self.patience, self.timeout);
            return Err(InvalidSettings::ReplicaTimeout { replica, operation });
        }
        let seeds = self.seeds()?;
        let keys = Keys::new(&self.prefix, &self.application);
        let location = seeds.first().map(location).unwrap_or_default();
        let nodes = Nodes::new(seeds, keys.layout(), self.timeout);
        let nodes = nodes.ok_or(InvalidSettings::NoServer)?;
        let server = Server::new(nodes, Replicas::new(self.durability, self.patience));
        Ok(RedisStore::assemble(self.application, Rows { keys, location, server }))
    }

    /// The given addresses, with protocol, credentials and certificates.
    fn seeds(&self) -> Result<Vec<ConnectionInfo>, InvalidSettings> {
        let finish = |info: &Result<ConnectionInfo, InvalidSettings>| {
            let info = info.clone()?;
            let mut settings = info.redis_settings().clone().set_protocol(ProtocolVersion::RESP3);
            if let Some((user, password)) = &self.credentials {
                settings = settings.set_password(password);
                settings = settings.set_username(user.as_deref().unwrap_or("default"));
            }
            let info = info.set_redis_settings(settings);
            match (&self.certificates, info.addr()) {
                (Some(certificates), ConnectionAddr::TcpTls { .. }) => {
                    let client = redis::Client::build_with_tls(info, certificates.clone());
                    let client =
                        client.map_err(|error| InvalidSettings::Certificates(error.to_string()))?;
                    Ok(client.get_connection_info().clone())
                }
                _ => Ok(info),
            }
        };
        self.nodes.iter().map(finish).collect()
    }
}

/// The address of a server, without credentials.
fn location(info: &ConnectionInfo) -> String {
    let scheme = match info.addr() {
        ConnectionAddr::TcpTls { .. } => "rediss",
        ConnectionAddr::Unix(_) => "unix",
        _ => "redis",
    };
    let database = match info.redis_settings().db() {
        0 => String::new(),
        database => format!("/{database}"),
    };
    format!("{scheme}://{}{database}", info.addr())
}

/// A URL without credentials. A text without a scheme is not shown at all.
fn without_credentials(url: &str) -> String {
    let (scheme, rest) = url.split_once("://").unwrap_or(("", url));
    let rest = rest.rsplit_once('@').map_or(rest, |(_, host)| host);
    // In a text that is no URL, a secret may be anywhere.
    if scheme.is_empty() { String::new() } else { format!("{scheme}://{rest}") }
}

/// Shows no credentials.
impl fmt::Debug for RedisStoreBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let nodes: Vec<_> = self.nodes.iter().flatten().map(location).collect();
        f.debug_struct("RedisStoreBuilder")
            .field("application", &self.application)
            .field("prefix", &self.prefix)
            .field("nodes", &nodes)
            .field("timeout", &self.timeout)
            .field("durability", &self.durability)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
