//! How a store is set up and made.

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

/// Settings that cannot work.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidSettings {
    /// The name of an application.
    #[error(
        "{0:?} cannot be an application's name: expected 1 to {max} bytes without {{, }} and \
         control characters",
        max = MAX_NAME
    )]
    Application(String),
    /// What all keys begin with.
    #[error("{0:?} is no key prefix: expected up to {max} bytes without {{ and }}", max = MAX_NAME)]
    Prefix(String),
    /// Where the server is. Shown without credentials.
    #[error(
        "{shown:?} is no address of a Redis server: expected redis://host:port, rediss://host:port \
         or valkey://host:port ({why})"
    )]
    Url {
        /// The URL without credentials.
        shown: String,
        /// What is wrong with it.
        why: String,
    },
    /// There is no server.
    #[error("no server: give one with `url`")]
    NoServer,
    /// The time an operation or a replica may take.
    #[error("a timeout of {0:?}: expected 10 ms or more")]
    Timeout(Duration),
    /// The time a replica may take.
    #[error(
        "a replica timeout of {replica:?}: expected at most half of the operation timeout of \
         {operation:?}"
    )]
    ReplicaTimeout {
        /// How long replicas are waited for.
        replica: Duration,
        /// How long an operation may take.
        operation: Duration,
    },
    /// Certificates that cannot be used.
    #[error("the TLS certificates cannot be used: {0}")]
    Certificates(String),
}

/// The longest name of an application and the longest prefix, in bytes.
const MAX_NAME: usize = 255;

/// How long a connection on which nothing happens is trusted before the peer is asked for a sign
/// of life.
const KEEPALIVE: Duration = Duration::from_secs(10);

impl RedisStore {
    /// A store at `url`, like `redis://:password@host:6379/0`; `rediss://` for TLS. The address of
    /// one node of a cluster will do. Nothing is sent yet.
    ///
    /// # Errors
    /// When the URL is none, or the application's name can be no part of a key.
    pub fn new(application: &str, url: &str) -> Result<Self, InvalidSettings> {
        Self::builder(application).url(url).build()
    }

    /// Sets a store of `application` up.
    pub fn builder(application: &str) -> RedisStoreBuilder {
        RedisStoreBuilder::new(application)
    }
}

/// Sets a [`RedisStore`] up.
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

    /// Where the server is: `redis://user:password@host:port/database`, with `rediss://` for TLS
    /// (or `valkey://` and `valkeys://`).
    ///
    /// For a cluster, one node is enough, and several are safer: give each with a call of its own.
    /// The others are learned from them. Credentials and database of the first hold for all.
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

    /// The same, as a configuration: for what a URL cannot say, like other TCP settings. Its
    /// protocol version is not used: the store speaks RESP3.
    pub fn connection_info(mut self, info: ConnectionInfo) -> Self {
        self.nodes.push(Ok(info));
        self
    }

    /// User and password, in place of those of the URL. No user means the default one.
    pub fn credentials(mut self, user: Option<&str>, password: &str) -> Self {
        self.credentials = Some((user.map(ToOwned::to_owned), password.to_owned()));
        self
    }

    /// Certificates for `rediss://`: whom to trust instead of the machine's authorities, and whom
    /// to say one is.
    pub fn tls_certificates(mut self, certificates: TlsCertificates) -> Self {
        self.certificates = Some(certificates);
        self
    }

    /// What all keys begin with: `kcl:` by default.
    pub fn key_prefix(mut self, prefix: &str) -> Self {
        self.prefix = prefix.to_owned();
        self
    }

    /// How long an operation may take before its outcome counts as unknown: 2 s by default. A
    /// connection may take half of it to be made. Keep it below a third of the session timeout:
    /// after it a new connection is made, and a beat has to get through in time.
    pub const fn operation_timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// For how many replicas a write waits that must not be lost.
    pub const fn durability(mut self, durability: Durability) -> Self {
        self.durability = durability;
        self
    }

    /// How long such a write waits for them: 200 ms by default, at most half of the operation
    /// timeout.
    pub const fn replica_timeout(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// The store. Nothing is sent yet.
    ///
    /// # Errors
    /// When a name, an address or a number cannot be used.
    pub fn build(self) -> Result<RedisStore, InvalidSettings> {
        let forbidden = |c: char| c == '{' || c == '}' || c.is_control();
        let cut = |name: &str| name.chars().take(MAX_NAME + 1).collect();
        let length = self.application.len();
        if length == 0 || length > MAX_NAME || self.application.contains(forbidden) {
            return Err(InvalidSettings::Application(cut(&self.application)));
        }
        // Braces would move the hash tag, and with it the keys of a cluster.
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

    /// The nodes given, with everything that holds for all of them.
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

/// Where a server is, for people.
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

/// A URL, or what was meant to be one, as it may be shown.
fn without_credentials(url: &str) -> String {
    let (scheme, rest) = url.split_once("://").unwrap_or(("", url));
    let rest = rest.rsplit_once('@').map_or(rest, |(_, host)| host);
    // Nobody knows where secrets are in what is no URL.
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
