//! Checks at the start of a worker that the server is usable: its role, its settings, and the
//! layout of the keys.

use kcl_core::store::{StoreError, StoreErrorKind, StoreResult};
use redis::{Value, cmd};

use crate::{
    error::{Effect, PREPARE as OP},
    info::{Info, NO_HISTORY},
    layout,
    rows::Rows,
};

impl Rows {
    /// Checks the server and the layout's version, and writes that version if there is none.
    pub(crate) async fn prepare(&self) -> StoreResult<()> {
        let call = self.call(OP, "", Effect::Reads);
        let info: String = self.told(self.server.ask(&call, cmd("INFO").arg("default")).await?)?;
        self.check_server(Info(&info))?;
        self.server.replicas.note(Info(&info).replicas());
        self.check_layout().await
    }

    /// Refuses a Sentinel, a server without a history, and one that evicts keys. Warns of a server
    /// that keeps its data neither on disk nor on a replica.
    fn check_server(&self, info: Info<'_>) -> StoreResult<()> {
        if info.get("redis_mode") == Some("sentinel") {
            let why = "this is a Sentinel, which keeps no keys: give an address that follows the \
                 primary, like a service's name that a failover moves";
            return Err(self.unusable(StoreErrorKind::Misconfigured, why.to_owned()));
        }
        if info.generation().is_none() {
            return Err(self.unusable(StoreErrorKind::Misconfigured, NO_HISTORY.to_owned()));
        }
        if info.evicts() {
            let policy = info.get("maxmemory_policy").unwrap_or_default();
            let why = format!(
                "with maxmemory-policy {policy} the server throws leases away when its memory is \
                 full: set maxmemory-policy noeviction, or use another server"
            );
            return Err(self.unusable(StoreErrorKind::Misconfigured, why));
        }
        if info.get("aof_enabled") == Some("0") && info.replicas() == 0 {
            // A restart loses all writes since the last snapshot.
            tracing::warn!(server = self.location, "kcl.store.volatile");
        }
        Ok(())
    }

    /// Deletes the key of the layout's version.
    pub(crate) async fn remove_layout(&self) -> StoreResult<()> {
        let key = self.keys.layout();
        let call = self.call("remove_layout", &key, Effect::Writes);
        self.server.ask(&call, cmd("DEL").arg(&key)).await.map(drop)
    }

    /// Writes the layout's version if there is none; else accepts this version and the one before.
    async fn check_layout(&self) -> StoreResult<()> {
        let key = self.keys.layout();
        let version = layout::VERSION;
        let writes = self.call(OP, &key, Effect::Writes);
        let mark = cmd("SET").arg(&key).arg(version).arg("NX").to_owned();
        if self.server.ask(&writes, &mark).await? == Value::Okay {
            return Ok(());
        }
        let reads = self.call(OP, &key, Effect::Reads);
        let found: String = self.told(self.server.ask(&reads, cmd("GET").arg(&key)).await?)?;
        let Ok(found) = found.parse::<u64>() else {
            let why = format!("the version of the layout is no number: {found:?}");
            return Err(reads.error(StoreErrorKind::Corrupt, why));
        };
        if found == version || found + 1 == version {
            return Ok(());
        }
        let why = format!(
            "the keys have layout version {found}, this release knows {version} and the one \
             before: use a release that knows it, or another `key_prefix`"
        );
        Err(reads.error(StoreErrorKind::Misconfigured, why))
    }

    fn told(&self, value: Value) -> StoreResult<String> {
        redis::from_redis_value(value).map_err(|bad| {
            self.unusable(StoreErrorKind::Misconfigured, format!("an unexpected answer: {bad}"))
        })
    }

    fn unusable(&self, kind: StoreErrorKind, why: String) -> StoreError {
        self.call(OP, "", Effect::Reads).error(kind, why)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use redis::IntoConnectionInfo;

    use super::*;
    use crate::{
        durability::{Durability, Replicas},
        layout::Keys,
        nodes::Nodes,
        server::Server,
    };

    #[test]
    fn a_server_that_does_not_tell_its_history_is_refused() {
        let seed = "redis://127.0.0.1:1".into_connection_info().unwrap();
        let patience = Duration::from_millis(200);
        let nodes = Nodes::new(vec![seed], "key".to_owned(), patience).unwrap();
        let rows = Rows {
            keys: Keys::new("kcl:", "orders"),
            location: "redis://127.0.0.1:1".to_owned(),
            server: Server::new(nodes, Replicas::new(Durability::Auto, patience)),
        };
        assert!(rows.check_server(Info("role:master\r\nmaster_replid:e0d3\r\n")).is_ok());
        let error = rows.check_server(Info("role:master\r\n")).unwrap_err();
        assert_eq!(error.kind, StoreErrorKind::Misconfigured);
        let why = std::error::Error::source(&error).unwrap().to_string();
        assert!(why.contains("master_replid") && why.contains("Redis 6"), "{why}");
    }
}
