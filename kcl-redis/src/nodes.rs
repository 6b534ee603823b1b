//! Where the server is; in a cluster, which node keeps the application's keys.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use kcl_core::store::{Era, Eras};
use redis::{
    AsyncConnectionConfig, Client, ConnectionAddr, ConnectionInfo, ErrorKind, RedisError,
    RedisResult, ServerErrorKind, Value, aio::MultiplexedConnection, cmd,
};

use crate::{
    info::{Info, Role},
    push::PushListener,
};

/// How often a node may name another one before nobody is believed.
const MOST_REDIRECTS: usize = 5;

/// The nodes of a server.
///
/// A single server is a cluster of one. All keys of an application are in one slot, so that one
/// node keeps them all: the one that others name when they are asked.
#[derive(Debug)]
pub(crate) struct Nodes {
    /// What all nodes share: credentials, TLS, the database.
    common: ConnectionInfo,
    /// A key of the application.
    key: String,
    /// How long connecting to one node may take.
    connecting: Duration,
    /// How long an answer may take.
    answering: Duration,
    known: Mutex<Known>,
    /// Connections of an era that is over are made anew.
    pub(crate) eras: Eras,
}

/// What was learned of the nodes.
#[derive(Debug)]
struct Known {
    /// What was given: whoever is gone is looked for from here.
    seeds: Vec<ConnectionAddr>,
    /// Every known address. The first is tried first.
    addresses: VecDeque<ConnectionAddr>,
    /// Whether they make a cluster; `None` before any was asked.
    clustered: Option<bool>,
}

impl Nodes {
    pub(crate) fn new(seeds: Vec<ConnectionInfo>, key: String, timeout: Duration) -> Option<Self> {
        let given: Vec<_> = seeds.iter().map(|seed| seed.addr().clone()).collect();
        let addresses = given.iter().cloned().collect();
        let known = Mutex::new(Known { seeds: given, addresses, clustered: None });
        let common = seeds.into_iter().next()?;
        let (connecting, eras) = (timeout / 2, Eras::default());
        Some(Self { common, key, connecting, answering: timeout, known, eras })
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How long connecting to one node may take.
    pub(crate) const fn connecting(&self) -> Duration {
        self.connecting
    }

    /// Leaves every connection of an era.
    pub(crate) fn leave(&self, era: Era, why: &str) {
        self.eras.end(era, &self.common.addr().to_string(), why);
    }

    /// How long nothing may come on a connection while answers are due.
    pub(crate) const fn longest_silence(&self) -> Duration {
        self.connecting
    }

    /// Whether the server is a cluster, as far as is known.
    pub(crate) fn are_clustered(&self) -> bool {
        self.known().clustered == Some(true)
    }

    /// Connects to the node that keeps the application's keys.
    pub(crate) async fn open(
        &self,
        listener: &Arc<PushListener>,
    ) -> RedisResult<MultiplexedConnection> {
        let candidates: Vec<ConnectionAddr> = self.known().addresses.iter().cloned().collect();
        let mut failure = None;
        for address in candidates {
            // Should this future be dropped, the next one begins elsewhere.
            self.known().put_last(&address);
            match self.reach(address, listener).await {
                Ok(connection) => return Ok(connection),
                Err(error) => failure = Some(error),
            }
        }
        let nobody = || RedisError::from((ErrorKind::InvalidClientConfig, "no node is known"));
        Err(failure.unwrap_or_else(nobody))
    }

    /// Connects to the node that the one at `address` names.
    async fn reach(
        &self,
        mut address: ConnectionAddr,
        listener: &Arc<PushListener>,
    ) -> RedisResult<MultiplexedConnection> {
        for _ in 0..MOST_REDIRECTS {
            let mut connection = self.connect(&address, listener).await?;
            match self.keeps_the_key(&mut connection).await {
                Ok(()) => {
                    self.look_around(&mut connection, &address).await;
                    self.known().put_first(address);
                    return Ok(connection);
                }
                Err(error) => address = self.named_by(&error, &address).ok_or(error)?,
            }
        }
        Err(RedisError::from((ErrorKind::Client, "the nodes name each other in turn")))
    }

    async fn connect(
        &self,
        address: &ConnectionAddr,
        listener: &Arc<PushListener>,
    ) -> RedisResult<MultiplexedConnection> {
        if matches!(address, ConnectionAddr::TcpTls { .. }) {
            choose_cryptography();
        }
        let client = Client::open(self.common.clone().set_addr(address.clone()))?;
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(self.connecting))
            .set_response_timeout(Some(self.answering))
            .set_push_sender(PushListener::sender(listener));
        client.get_multiplexed_async_connection_with_config(&config).await
    }

    /// Fails if another node keeps the application's keys, or this one cannot serve now.
    pub(crate) async fn keeps_the_key(
        &self,
        connection: &mut MultiplexedConnection,
    ) -> RedisResult<()> {
        let answer: RedisResult<Value> = cmd("GET").arg(&self.key).query_async(connection).await;
        match answer {
            Err(error) if error.is_io_error() => Err(error),
            Err(error) => match error.kind() {
                ErrorKind::Server(
                    ServerErrorKind::Moved
                    | ServerErrorKind::ClusterDown
                    | ServerErrorKind::BusyLoading
                    | ServerErrorKind::MasterDown,
                ) => Err(error),
                // Whatever it is, the operation itself will meet it and say so.
                _ => Ok(()),
            },
            Ok(_) => self.is_primary(connection).await,
        }
    }

    /// Fails if the server follows another one, whose later rows it may not have. In a cluster the
    /// answer to a key has said that.
    async fn is_primary(&self, connection: &mut MultiplexedConnection) -> RedisResult<()> {
        if self.are_clustered() {
            return Ok(());
        }
        let command = cmd("INFO").arg("replication").to_owned();
        let info: RedisResult<String> = command.query_async(connection).await;
        match info {
            Ok(info) => serves(Info(&info)),
            Err(error) if error.is_io_error() => Err(error),
            // Who may not look meets it later.
            Err(_) => Ok(()),
        }
    }

    /// Learns the other nodes of a cluster: they are asked when this one is gone.
    async fn look_around(&self, connection: &mut MultiplexedConnection, here: &ConnectionAddr) {
        if self.known().clustered == Some(false) {
            return;
        }
        let slots: RedisResult<Value> = cmd("CLUSTER").arg("SLOTS").query_async(connection).await;
        let mut known = self.known();
        known.clustered = is_cluster(&slots).or(known.clustered);
        let Ok(slots) = slots else { return };
        let named = nodes_of(&slots).into_iter().map(|(host, port)| self.address(host, port, here));
        known.learn(named);
    }

    /// The node that an answer names instead of the one at `here`.
    fn named_by(&self, error: &RedisError, here: &ConnectionAddr) -> Option<ConnectionAddr> {
        if error.kind() != ErrorKind::Server(ServerErrorKind::Moved) {
            return None;
        }
        let (host, port) = error.redirect_node()?.0.rsplit_once(':')?;
        Some(self.address(host.to_owned(), port.parse().ok()?, here))
    }

    /// The address of another node; one that names no host is at the host of the one asked.
    fn address(&self, host: String, port: u16, asked: &ConnectionAddr) -> ConnectionAddr {
        let host = match asked {
            ConnectionAddr::Tcp(here, _) | ConnectionAddr::TcpTls { host: here, .. }
                if host.is_empty() =>
            {
                here.clone()
            }
            _ => host,
        };
        match self.common.addr() {
            ConnectionAddr::TcpTls { insecure, tls_params, .. } => ConnectionAddr::TcpTls {
                host,
                port,
                insecure: *insecure,
                tls_params: tls_params.clone(),
            },
            _ => ConnectionAddr::Tcp(host, port),
        }
    }
}

/// Fails unless a server says that it is a primary.
fn serves(info: Info<'_>) -> RedisResult<()> {
    match info.role() {
        Role::Primary => Ok(()),
        Role::ReplicaOf(primary) => Err(follows(&primary)),
        Role::Other(said) => Err(no_primary(&said)),
    }
}

/// What is wrong with a server that does not say that it is a primary.
fn no_primary(said: &str) -> RedisError {
    let what = "INFO does not show that this is a primary, and a replica's rows may be old";
    let more = format!(
        "its `role` is {said:?} and not \"master\": give the address of a Redis or Valkey server \
         itself, without a proxy that hides it"
    );
    RedisError::from((ErrorKind::InvalidClientConfig, what, more))
}

/// What is wrong with a server that follows another.
fn follows(primary: &str) -> RedisError {
    let kind = ErrorKind::Server(ServerErrorKind::ReadOnly);
    let what = "this is a replica, whose rows may be old";
    RedisError::from((kind, what, format!("its primary is {primary}")))
}

impl Known {
    /// Takes the nodes of a cluster as it names them now, beside those that were given; those that
    /// it names no more are forgotten.
    fn learn(&mut self, named: impl Iterator<Item = ConnectionAddr>) {
        let named: Vec<_> = named.collect();
        let Self { seeds, addresses, .. } = self;
        addresses.retain(|known| seeds.contains(known) || named.contains(known));
        for address in named {
            if !addresses.contains(&address) {
                addresses.push_back(address);
            }
        }
    }

    fn put_last(&mut self, address: &ConnectionAddr) {
        if let Some(at) = self.addresses.iter().position(|known| known == address) {
            self.addresses.remove(at).into_iter().for_each(|known| self.addresses.push_back(known));
        }
    }

    fn put_first(&mut self, address: ConnectionAddr) {
        self.addresses.retain(|known| *known != address);
        self.addresses.push_front(address);
    }
}

/// The process-wide choice that the TLS library asks for; one that was made is kept.
fn choose_cryptography() {
    if rustls::crypto::CryptoProvider::get_default().is_none() {
        // Lost against another thread: as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
    }
}

/// Whether an answer of `CLUSTER SLOTS` is that of a cluster. No answer, one of a server that is
/// busy or starting, and one that looking is not allowed say nothing: the next connection asks
/// again.
fn is_cluster(slots: &RedisResult<Value>) -> Option<bool> {
    let Err(error) = slots else { return Some(true) };
    let said = error.detail().unwrap_or_default().to_ascii_lowercase();
    let never = ["cluster support disabled", "unknown command", "unknown subcommand"];
    never.iter().any(|words| said.contains(words)).then_some(false)
}

/// Hosts and ports in an answer of `CLUSTER SLOTS`: ranges of slots, each with the nodes that keep
/// it.
fn nodes_of(slots: &Value) -> Vec<(String, u16)> {
    let node = |value: &Value| {
        let [Value::BulkString(host), Value::Int(port), ..] = list(value)? else { return None };
        Some((String::from_utf8(host.clone()).ok()?, u16::try_from(*port).ok()?))
    };
    let ranges = list(slots).unwrap_or_default().iter().filter_map(list);
    ranges.flat_map(|range| range.iter().skip(2)).filter_map(node).collect()
}

fn list(value: &Value) -> Option<&[Value]> {
    match value {
        Value::Array(values) => Some(values),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failed(code: &str, detail: &str) -> RedisResult<Value> {
        Err(redis::parse_redis_value(format!("-{code} {detail}\r\n").as_bytes())
            .and_then(Value::extract_error)
            .unwrap_err())
    }

    #[test]
    fn only_a_server_that_says_so_is_no_cluster() {
        assert_eq!(is_cluster(&Ok(Value::Array(Vec::new()))), Some(true));
        let disabled = failed("ERR", "This instance has cluster support disabled");
        assert_eq!(is_cluster(&disabled), Some(false));
        let unknown = failed("ERR", "unknown command 'CLUSTER', with args beginning with: 'SLOTS'");
        assert_eq!(is_cluster(&unknown), Some(false));
        for silent in [
            failed("LOADING", "Redis is loading the dataset in memory"),
            failed("NOPERM", "this user has no permissions to run the 'cluster|slots' command"),
            failed("CLUSTERDOWN", "The cluster is down"),
            Err(RedisError::from((ErrorKind::Io, "timed out"))),
        ] {
            assert_eq!(is_cluster(&silent), None, "{silent:?}");
        }
    }

    #[test]
    fn only_a_server_that_says_so_is_a_primary() {
        assert!(serves(Info("# Replication\r\nrole:master\r\n")).is_ok());
        let replica = "role:slave\r\nmaster_host:10.0.0.9\r\nmaster_port:6379\r\n";
        let refused = serves(Info(replica)).unwrap_err().to_string();
        assert!(refused.contains("10.0.0.9:6379"), "{refused}");
        for silent in ["", "role:\r\n", "role:sentinel\r\n", "master_replid:e0d3\r\n"] {
            let refused = serves(Info(silent)).unwrap_err().to_string();
            assert!(refused.contains("`role`"), "{silent:?}: {refused}");
        }
    }

    #[test]
    fn nodes_that_a_cluster_names_no_more_are_forgotten_and_those_given_are_not() {
        let node = |port| ConnectionAddr::Tcp("cache".to_owned(), port);
        let (seeds, clustered) = (vec![node(1)], Some(true));
        let mut known = Known { seeds, addresses: [node(1), node(2), node(3)].into(), clustered };
        known.learn([node(3), node(4)].into_iter());
        assert_eq!(known.addresses, [node(1), node(3), node(4)]);
    }
}
