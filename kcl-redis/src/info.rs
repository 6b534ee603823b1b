//! Reads the answer to `INFO`: the server's role, its history and its replicas.

use kcl_core::lease::Generation;

/// An answer to `INFO`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Info<'a>(pub(crate) &'a str);

/// The text about a server that does not report its history.
pub(crate) const NO_HISTORY: &str = "INFO tells no master_replid: by it workers notice that the \
    server lost writes (use Redis 6 or newer, or Valkey, without a proxy that hides it)";

/// The longest lag in seconds of a replica that keeps up. Replicas report every second.
const LONGEST_SILENCE: u64 = 2;

/// The role of a server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    Primary,
    /// A replica, with the address of its primary.
    ReplicaOf(String),
    /// Another role, or none. Such a server is not taken for a primary.
    Other(String),
}

impl<'a> Info<'a> {
    /// The value of the line `name:value`.
    pub(crate) fn get(self, name: &str) -> Option<&'a str> {
        self.0.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))
    }

    /// The history of the server, which is its replication id. A new one begins with every
    /// promotion of a replica and every restart of a primary, even if no write was lost. `None` if
    /// the server does not report it; the caller must then not assume that the history is the same
    /// as before.
    pub(crate) fn generation(self) -> Option<Generation> {
        self.get("master_replid").filter(|id| !id.is_empty()).map(Generation::new)
    }

    /// The role that the server reports.
    pub(crate) fn role(self) -> Role {
        match self.get("role") {
            Some("master") => Role::Primary,
            Some("slave") => match (self.get("master_host"), self.get("master_port")) {
                (Some(host), Some(port)) => Role::ReplicaOf(format!("{host}:{port}")),
                _ => Role::ReplicaOf("which it does not tell".to_owned()),
            },
            other => Role::Other(other.unwrap_or_default().to_owned()),
        }
    }

    /// The number of replicas that keep up.
    pub(crate) fn replicas(self) -> usize {
        let keeps_up = |line: &&str| {
            let part = |name: &str| {
                line.split([':', ',']).find_map(|part| part.strip_prefix(name)?.strip_prefix('='))
            };
            let lag = part("lag").and_then(|lag| lag.parse::<u64>().ok());
            part("state") == Some("online") && lag.is_some_and(|lag| lag <= LONGEST_SILENCE)
        };
        self.0.lines().filter(|line| line.starts_with("slave")).filter(keeps_up).count()
    }

    /// True if the server may evict keys without an expiry when its memory is full.
    pub(crate) fn evicts(self) -> bool {
        let limited = self.get("maxmemory").is_some_and(|bytes| bytes != "0");
        limited && self.get("maxmemory_policy").is_some_and(|policy| policy.starts_with("allkeys"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const REPLICATION: Info<'_> = Info(
        "# Replication\r\nrole:master\r\nconnected_slaves:3\r\n\
         slave0:ip=10.0.0.2,port=6379,state=online,offset=42,lag=0\r\n\
         slave1:ip=10.0.0.3,port=6379,state=wait_bgsave,offset=0,lag=0\r\n\
         slave2:ip=10.0.0.4,port=6379,state=online,offset=7,lag=9\r\n\
         master_replid:e0d365046bbb1ad4504a8901a56a44ea67307c34\r\n\
         master_replid2:0000000000000000000000000000000000000000\r\n",
    );

    #[test]
    fn only_replicas_that_keep_up_are_counted() {
        assert_eq!(REPLICATION.replicas(), 1);
        assert_eq!(Info("role:master\r\nconnected_slaves:0\r\n").replicas(), 0);
    }

    #[test]
    fn the_replication_id_is_the_generation() {
        let generation = REPLICATION.generation().unwrap();
        assert_eq!(generation.as_str(), "e0d365046bbb1ad4504a8901a56a44ea67307c34");
    }

    #[test]
    fn a_server_that_tells_no_replication_id_has_no_known_history() {
        for silent in ["role:master\r\n", "role:master\r\nmaster_replid:\r\n", ""] {
            assert_eq!(Info(silent).generation(), None, "{silent:?}");
        }
    }

    #[test]
    fn a_server_evicts_what_never_expires_only_by_an_allkeys_policy_under_a_limit() {
        for (limit, policy, evicts) in [
            ("0", "allkeys-lru", false),
            ("1000000", "noeviction", false),
            ("1000000", "volatile-lru", false),
            ("1000000", "allkeys-lru", true),
            ("1000000", "allkeys-random", true),
        ] {
            let info = format!("maxmemory:{limit}\r\nmaxmemory_policy:{policy}\r\n");
            assert_eq!(Info(&info).evicts(), evicts, "{limit} {policy}");
        }
    }
}
