//! Wake-ups as the server pushes them.

use std::sync::Arc;

use async_trait::async_trait;
use kcl_core::store::{StoreErrorKind, StoreResult, Wakeups};
use redis::{RedisResult, Value, aio::MultiplexedConnection, cmd};

use crate::{
    ears::Ears,
    error::{Call, Effect},
    rows::Rows,
};

/// The wake-ups of one session, on a connection of their own.
#[derive(Debug)]
pub(crate) struct RedisWakeups {
    ears: Arc<Ears>,
    location: String,
    channel: String,
    /// Open for as long as somebody listens.
    _connection: MultiplexedConnection,
}

impl RedisWakeups {
    /// Listens for messages to the session `name`.
    pub(crate) async fn open(rows: &Rows, name: &str) -> StoreResult<Self> {
        let call = rows.call("wakeups", name, Effect::Reads);
        let ears = Arc::default();
        let nodes = &rows.server.nodes;
        let opened =
            nodes.open(&ears).await.map_err(|error| call.unreached(&error, nodes.connecting()))?;
        let mut connection = opened;
        let channel = rows.keys.channel(name);
        // A message to a channel of one node does not cross the whole cluster.
        let sharded = nodes.are_clustered()
            && subscribe(&mut connection, "SSUBSCRIBE", &channel).await.is_ok();
        if !sharded {
            let subscribed = subscribe(&mut connection, "SUBSCRIBE", &channel).await;
            subscribed.map_err(|error| call.failed(&error))?;
        }
        let location = rows.location.clone();
        Ok(Self { ears, location, channel, _connection: connection })
    }
}

async fn subscribe(
    connection: &mut MultiplexedConnection,
    command: &str,
    channel: &str,
) -> RedisResult<Value> {
    cmd(command).arg(channel).query_async(connection).await
}

#[async_trait]
impl Wakeups for RedisWakeups {
    async fn next(&mut self) -> StoreResult<()> {
        if !self.ears.are_lost() {
            self.ears.listen().await;
        }
        if self.ears.are_lost() {
            let (op, location, row) = ("wakeups", &*self.location, &*self.channel);
            let call = Call { op, location, row, effect: Effect::Reads };
            return Err(call.error(StoreErrorKind::Unavailable, "the connection was closed"));
        }
        Ok(())
    }
}
