//! Receives wake-ups from a channel, on a connection of its own for each session.
//!
//! The connection is watched like the others: it ends with its era, and when nothing has arrived
//! for [`QUIET`], it asks the server for a sign of life.

use std::{fmt, pin::Pin, sync::Arc, time::Duration};

use async_trait::async_trait;
use kcl_core::{
    env::Env,
    store::{Era, StoreErrorKind, StoreResult, Wakeups},
};
use redis::{RedisResult, Value, aio::MultiplexedConnection, cmd};

use crate::{
    error::{Call, Effect},
    nodes::Nodes,
    push::PushListener,
    rows::Rows,
};

/// The time without a message after which the server is asked for a sign of life.
const QUIET: Duration = Duration::from_secs(5);

/// The wait for the next wake-up. It survives a dropped [`Wakeups::next`]; it ends with the
/// connection, or with the reason for which that is of no use any more.
type Hearing = Pin<Box<dyn Future<Output = Result<Open, &'static str>> + Send>>;

/// The wake-ups of one session, on a connection of their own.
pub(crate) struct RedisWakeups {
    /// `None` after the connection was lost.
    hearing: Option<Hearing>,
    location: String,
    channel: String,
}

/// The connection that listens, and its era.
struct Open {
    listener: Arc<PushListener>,
    connection: MultiplexedConnection,
    nodes: Arc<Nodes>,
    era: Era,
}

impl RedisWakeups {
    /// Connects and subscribes to the channel of the session `name`.
    pub(crate) async fn open(rows: &Rows, name: &str) -> StoreResult<Self> {
        let call = rows.call("wakeups", name, Effect::Reads);
        let listener = Arc::default();
        let nodes = Arc::clone(&rows.server.nodes);
        let era = nodes.eras.now();
        let opened = nodes.open(&listener).await;
        let mut connection = opened.map_err(|error| call.unreached(&error, nodes.connecting()))?;
        let channel = rows.keys.channel(name);
        // A message to a sharded channel does not go to every node of the cluster.
        let sharded = nodes.are_clustered()
            && subscribe(&mut connection, "SSUBSCRIBE", &channel).await.is_ok();
        if !sharded {
            let subscribed = subscribe(&mut connection, "SUBSCRIBE", &channel).await;
            subscribed.map_err(|error| call.failed(&error))?;
        }
        let location = rows.location.clone();
        let open = Open { listener, connection, nodes, era };
        Ok(Self { hearing: Some(Box::pin(open.hear())), location, channel })
    }
}

async fn subscribe(
    connection: &mut MultiplexedConnection,
    command: &str,
    channel: &str,
) -> RedisResult<Value> {
    cmd(command).arg(channel).query_async(connection).await
}

impl Open {
    /// Waits for the next message.
    async fn hear(mut self) -> Result<Self, &'static str> {
        let clock = Env::system().clock;
        loop {
            if self.listener.are_lost() {
                return Err("the connection was closed");
            }
            tokio::select! {
                biased;
                () = self.listener.listen() => if !self.listener.are_lost() { return Ok(self) },
                () = self.nodes.eras.over(self.era) => return Err("the server serves no more"),
                () = clock.sleep(QUIET) => {
                    let alive = self.nodes.keeps_the_key(&mut self.connection).await;
                    if let Err(error) = alive {
                        // The other connections to the same server are probably of no use, too.
                        self.nodes.leave(self.era, &error.to_string());
                        return Err("the server does not answer, or serves no more");
                    }
                }
            }
        }
    }
}

#[async_trait]
impl Wakeups for RedisWakeups {
    async fn next(&mut self) -> StoreResult<()> {
        let (op, location, row) = ("wakeups", &*self.location, &*self.channel);
        let call = Call { op, location, row, effect: Effect::Reads };
        let lost = |why: &str| call.error(StoreErrorKind::Unavailable, why);
        let Some(hearing) = &mut self.hearing else {
            return Err(lost("the connection was closed"));
        };
        let heard = hearing.as_mut().await;
        self.hearing = None;
        self.hearing = Some(Box::pin(heard.map_err(lost)?.hear()));
        Ok(())
    }
}

impl fmt::Debug for RedisWakeups {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisWakeups").field("channel", &self.channel).finish_non_exhaustive()
    }
}
