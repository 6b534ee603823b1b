//! Receives wake-ups by `LISTEN`, on a connection of its own for each session.
//!
//! The connection is watched like the others: it ends with its era, and when nothing has arrived
//! for an operation timeout, it asks the server for its role as a sign of life.

use std::{fmt, pin::Pin, sync::Arc, time::Duration};

use async_trait::async_trait;
use kcl_core::{
    env::Env,
    lease::SessionId,
    store::{Era, Eras, StoreError, StoreErrorKind, StoreResult, Wakeups},
};
use sqlx::postgres::{PgListener, PgPoolOptions};

use crate::{
    connection::ConnectError,
    connections::{ONLY_READS, SILENT},
    deadline::within,
    error::{Call, Effect},
    greeting::{Role, greet},
    layout::Schema,
    table::Tables,
};

/// The channel of a session. The incarnation alone makes it unique among all applications: it has
/// 128 random bits.
pub(crate) struct Channel(String);

impl Channel {
    pub(crate) fn of(session: &SessionId) -> Self {
        Self(format!("kcl {}", session.incarnation))
    }
}

impl fmt::Display for Channel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The wait for the next wake-up. It survives a dropped [`Wakeups::next`], so that no notification
/// is lost; it ends with the listener, or with the reason for which that is gone.
type Hearing = Pin<Box<dyn Future<Output = Result<PushListener, Deaf>> + Send>>;

/// Receives the wake-ups of one session.
struct Listening {
    /// `None` after the connection was lost.
    hearing: Option<Hearing>,
    schema: Schema,
    session: String,
}

/// The connection that listens, and its era.
struct PushListener {
    listener: PgListener,
    era: Era,
    eras: Arc<Eras>,
    address: String,
    /// The operation timeout: the time without a notification after which the server is asked for
    /// a sign of life, and the time that it has for the answer.
    patience: Duration,
}

/// The reason for which a connection receives nothing any more.
enum Deaf {
    /// An error of the driver or the server.
    Failed(sqlx::Error),
    /// Another reason, in words.
    Lost(&'static str),
}

/// Connects, and listens for the wake-ups of a session.
pub(crate) async fn listen(tables: &Tables, id: &SessionId) -> StoreResult<Box<dyn Wakeups>> {
    let session = id.key();
    let connections = &tables.connections;
    let call = tables.call(OP, &session, Effect::Reads);
    let (options, mark) = connections.marked();
    let patience = connections.operation_timeout();
    let (era, eras) = (connections.eras().now(), Arc::clone(connections.eras()));
    let listening = async {
        // The driver's listener needs a pool; it keeps the pool's only connection.
        let pool = PgPoolOptions::new()
            .max_connections(1)
            .acquire_timeout(patience)
            .idle_timeout(None)
            .max_lifetime(None)
            .connect_lazy_with(options);
        let mut listener = PgListener::connect_with(&pool).await?;
        listener.eager_reconnect(false);
        let role = greet(&mut listener, &mark).await?;
        listener.listen(&Channel::of(id).to_string()).await?;
        Ok::<_, ConnectError>((listener, role))
    };
    let deadline = Env::system().clock.now() + patience;
    let late = || call.error(StoreErrorKind::Unavailable, "the server did not answer in time");
    // Boxed, because the future of a connection attempt is large.
    let listener = Box::pin(within(deadline, listening)).await.ok_or_else(late)?;
    let (listener, role) =
        listener.map_err(|unmade| call.unmade(&unmade, &connections.address()))?;
    if role != Role::Writes {
        return Err(call.only_reads(&connections.address()));
    }
    let address = connections.address();
    let listener = PushListener { listener, era, eras, address, patience };
    let schema = tables.schema.clone();
    Ok(Box::new(Listening { hearing: Some(Box::pin(listener.hear())), schema, session }))
}

const OP: &str = "wakeups";

impl PushListener {
    /// Waits for the next notification.
    async fn hear(mut self) -> Result<Self, Deaf> {
        let clock = Env::system().clock;
        loop {
            tokio::select! {
                biased;
                heard = self.listener.try_recv() => return match heard {
                    Ok(Some(_)) => Ok(self),
                    Ok(None) => Err(Deaf::Lost("the connection that listened was lost")),
                    Err(error) => Err(Deaf::Failed(error)),
                },
                () = self.eras.over(self.era) => {
                    return Err(Deaf::Lost("the server that was listened to serves no more"));
                }
                () = clock.sleep(self.patience) => {}
            }
            let deadline = clock.now() + self.patience;
            match within(deadline, Role::ask(&mut self.listener)).await {
                Some(Ok(Role::Writes)) => {}
                Some(Err(error)) => return Err(Deaf::Failed(error)),
                deaf => {
                    let why = if deaf.is_none() { SILENT } else { ONLY_READS };
                    self.eras.end(self.era, &self.address, why);
                    return Err(Deaf::Lost(why));
                }
            }
        }
    }
}

impl Listening {
    /// The error of a lost connection.
    fn lost(&self, deaf: &Deaf) -> StoreError {
        let (schema, row) = (&self.schema, &*self.session);
        let call = Call { op: OP, schema, row, effect: Effect::Reads };
        match deaf {
            Deaf::Failed(error) => call.failed(error),
            Deaf::Lost(why) => call.error(StoreErrorKind::Unavailable, *why),
        }
    }
}

#[async_trait]
impl Wakeups for Listening {
    async fn next(&mut self) -> StoreResult<()> {
        let Some(hearing) = &mut self.hearing else {
            return Err(self.lost(&Deaf::Lost("the connection that listened was lost")));
        };
        let heard = hearing.as_mut().await;
        self.hearing = None;
        let listener = heard.map_err(|deaf| self.lost(&deaf))?;
        self.hearing = Some(Box::pin(listener.hear()));
        Ok(())
    }
}

impl fmt::Debug for Listening {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Listening").field("session", &self.session).finish_non_exhaustive()
    }
}
