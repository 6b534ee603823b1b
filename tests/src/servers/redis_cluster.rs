//! Clusters of Redis or Valkey servers.

use std::io;

use redis::RedisResult;

use super::redis::{RedisMake, RedisServer, free_port, until};

/// The hash slots of a cluster: a constant of Redis.
const SLOTS: usize = 16_384;

/// A cluster of three primaries that share the slots, and replicas that a test adds.
#[derive(Debug)]
pub struct RedisCluster {
    nodes: Vec<RedisServer>,
}

impl RedisCluster {
    /// Starts an empty cluster.
    ///
    /// # Errors
    /// A node cannot be started or is not installed, or the nodes do not agree within a minute.
    pub async fn start(make: RedisMake) -> io::Result<Self> {
        let cluster = Self { nodes: vec![node(make)?, node(make)?, node(make)?] };
        cluster.form().await.map_err(io::Error::other)?;
        Ok(cluster)
    }

    /// Gives each node its slots, introduces the nodes, and waits until they agree.
    async fn form(&self) -> RedisResult<()> {
        let count = self.nodes.len();
        for (at, node) in self.nodes.iter().enumerate() {
            let (first, last) = (SLOTS * at / count, SLOTS * (at + 1) / count - 1);
            let (first, last) = (first.to_string(), last.to_string());
            node.tell(&["CLUSTER", "ADDSLOTSRANGE", &first, &last]).await?;
            node.tell(&["CLUSTER", "SET-CONFIG-EPOCH", &(at + 1).to_string()]).await?;
        }
        for node in &self.nodes[1..] {
            let bus = node.bus_port().await?;
            let port = node.port().to_string();
            self.nodes[0].tell(&["CLUSTER", "MEET", "127.0.0.1", &port, &bus]).await?;
        }
        until("the nodes agree", async || self.agrees().await).await
    }

    /// Starts a replica of the node `primary`, and waits until its first copy is complete. Returns
    /// its index.
    ///
    /// # Errors
    /// The node cannot be started, or does not become a replica within a minute.
    pub async fn follow(&mut self, make: RedisMake, primary: usize) -> io::Result<usize> {
        self.nodes.push(node(make)?);
        self.join(primary).await.map_err(io::Error::other)?;
        Ok(self.nodes.len() - 1)
    }

    /// Adds the last node to the cluster, as a replica of `primary`.
    async fn join(&self, primary: usize) -> RedisResult<()> {
        let [others @ .., replica] = &*self.nodes else { return Ok(()) };
        let (bus, port) = (replica.bus_port().await?, replica.port().to_string());
        others[0].tell(&["CLUSTER", "MEET", "127.0.0.1", &port, &bus]).await?;
        until("the nodes agree", async || self.agrees().await).await?;
        let id: String =
            redis::from_redis_value(others[primary].tell(&["CLUSTER", "MYID"]).await?)?;
        replica.tell(&["CLUSTER", "REPLICATE", &id]).await?;
        until("the replica copies", async || {
            Ok(replica.info("replication").await?.contains("master_link_status:up"))
        })
        .await
    }

    /// Whether every node knows all others, and all slots are served.
    async fn agrees(&self) -> RedisResult<bool> {
        for node in &self.nodes {
            let info = node.cluster_info().await?;
            let known = format!("cluster_known_nodes:{}", self.nodes.len());
            if !info.contains("cluster_state:ok") || !info.contains(&known) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Kills a node, as a crash would.
    pub fn kill(&mut self, node: usize) {
        self.nodes[node].kill();
    }

    /// The nodes, killed ones included.
    #[must_use]
    pub fn nodes(&self) -> &[RedisServer] {
        &self.nodes
    }
}

impl RedisServer {
    async fn cluster_info(&self) -> RedisResult<String> {
        Ok(redis::from_redis_value(self.tell(&["CLUSTER", "INFO"]).await?)?)
    }

    /// The port of the cluster bus, by which the nodes communicate.
    async fn bus_port(&self) -> RedisResult<String> {
        let answer = self.tell(&["CONFIG", "GET", "cluster-port"]).await?;
        let pairs: Vec<String> = redis::from_redis_value(answer)?;
        Ok(pairs.into_iter().nth(1).unwrap_or_default())
    }
}

fn node(make: RedisMake) -> io::Result<RedisServer> {
    let bus = free_port()?.to_string();
    let timeout = ["--cluster-node-timeout", "2000"];
    let options = ["--cluster-enabled", "yes", "--cluster-port", &bus];
    RedisServer::with(make, &[options.as_slice(), &timeout].concat())
}
