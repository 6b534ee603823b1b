//! Finds and connects to the node that keeps the application's keys.
//!
//! A single server is a cluster of one node. All keys of an application are in one slot, so that
//! one node keeps them all. A connection attempt goes through the known addresses, follows the
//! `MOVED` answers of the nodes, and refuses a replica. In a cluster it then learns all nodes, for
//! the time when this one is gone.

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

/// The most `MOVED` answers that one connection attempt follows.
const MOST_REDIRECTS: usize = 5;

/// The nodes of a server, and the settings of connections to them.
#[derive(Debug)]
pub(crate) struct Nodes {
    /// The settings of all nodes: credentials, TLS, the database.
    common: ConnectionInfo,
    /// A key of the application, by which its node is found.
    key: String,
    /// The time that a connection attempt to one node has: half of the operation timeout.
    connecting: Duration,
    /// The time that an answer has: the operation timeout.
    answering: Duration,
    known: Mutex<Known>,
    /// The present era. The store makes connections of earlier eras again.
    pub(crate) eras: Eras,
}

/// The known nodes.
#[derive(Debug)]
struct Known {
    /// The addresses that the user gave. They are never forgotten.
    seeds: Vec<ConnectionAddr>,
    /// All known addresses, in the order in which they are tried.
    addresses: VecDeque<ConnectionAddr>,
    /// Whether the server is a cluster; `None` until a node has answered that.
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

    /// The time that a connection attempt to one node has.
    pub(crate) const fn connecting(&self) -> Duration {
        self.connecting
    }

    /// Ends an era, so that the store makes all its connections again.
    pub(crate) fn leave(&self, era: Era, why: &str) {
        self.eras.end(era, &self.common.addr().to_string(), why);
    }

    /// The longest time for which a connection may be without any answer while commands are under
    /// way.
    pub(crate) const fn longest_silence(&self) -> Duration {
        self.connecting
    }

    /// True if the server is known to be a cluster.
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
            // If this future is dropped, the next attempt begins with another address.
            self.known().put_last(&address);
            match self.reach(address, listener).await {
                Ok(connection) => return Ok(connection),
                Err(error) => failure = Some(error),
            }
        }
        let nobody = || RedisError::from((ErrorKind::InvalidClientConfig, "no node is known"));
        Err(failure.unwrap_or_else(nobody))
    }

    /// Connects to the node at `address`, or to the node that its `MOVED` answers name.
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

    /// Connects to one node, without a check of its role.
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

    /// Checks that the connection leads to the primary that keeps the application's keys.
    ///
    /// # Errors
    /// Another node keeps the keys, this one is a replica, or it cannot serve now.
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
                // The operation itself will get this error, and report it.
                _ => Ok(()),
            },
            Ok(_) => self.is_primary(connection).await,
        }
    }

    /// Fails if the server is a replica, whose rows may be old. In a cluster a replica has already
    /// answered `MOVED` to the key.
    async fn is_primary(&self, connection: &mut MultiplexedConnection) -> RedisResult<()> {
        if self.are_clustered() {
            return Ok(());
        }
        let command = cmd("INFO").arg("replication").to_owned();
        let info: RedisResult<String> = command.query_async(connection).await;
        match info {
            Ok(info) => serves(Info(&info)),
            Err(error) if error.is_io_error() => Err(error),
            // Without the permission for `INFO`, `prepare` reports that.
            Err(_) => Ok(()),
        }
    }

    /// Learns the nodes of a cluster, which are tried when this one is gone.
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

    /// The address in a `MOVED` answer of the node at `here`; `None` for every other error.
    fn named_by(&self, error: &RedisError, here: &ConnectionAddr) -> Option<ConnectionAddr> {
        if error.kind() != ErrorKind::Server(ServerErrorKind::Moved) {
            return None;
        }
        let (host, port) = error.redirect_node()?.0.rsplit_once(':')?;
        Some(self.address(host.to_owned(), port.parse().ok()?, here))
    }

    /// The address of another node. An empty host means the host of the node that was asked.
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

/// Fails unless the server reports that it is a primary.
fn serves(info: Info<'_>) -> RedisResult<()> {
    match info.role() {
        Role::Primary => Ok(()),
        Role::ReplicaOf(primary) => Err(follows(&primary)),
        Role::Other(said) => Err(no_primary(&said)),
    }
}

/// The error about a server that does not report that it is a primary.
fn no_primary(said: &str) -> RedisError {
    let what = "INFO does not show that this is a primary, and a replica's rows may be old";
    let more = format!(
        "its `role` is {said:?} and not \"master\": give the address of a Redis or Valkey server \
         itself, without a proxy that hides it"
    );
    RedisError::from((ErrorKind::InvalidClientConfig, what, more))
}

/// The error about a replica.
fn follows(primary: &str) -> RedisError {
    let kind = ErrorKind::Server(ServerErrorKind::ReadOnly);
    let what = "this is a replica, whose rows may be old";
    RedisError::from((kind, what, format!("its primary is {primary}")))
}

impl Known {
    /// Takes over the nodes that a cluster names now. Forgets nodes that it names no more, except
    /// the seeds.
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

/// Chooses the cryptography of the TLS library for this process, unless it is chosen already.
fn choose_cryptography() {
    if rustls::crypto::CryptoProvider::get_default().is_none() {
        // Fails if another thread has just chosen, which is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
    }
}

/// True if an answer to `CLUSTER SLOTS` is that of a cluster, false if the server knows no such
/// command. `None` if the answer does not decide it (no answer, a server that is busy or starting,
/// a missing permission); the next connection asks again.
fn is_cluster(slots: &RedisResult<Value>) -> Option<bool> {
    let Err(error) = slots else { return Some(true) };
    let said = error.detail().unwrap_or_default().to_ascii_lowercase();
    let never = ["cluster support disabled", "unknown command", "unknown subcommand"];
    never.iter().any(|words| said.contains(words)).then_some(false)
}

/// The hosts and ports in an answer to `CLUSTER SLOTS`, which is a list of slot ranges, each with
/// its nodes.
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
