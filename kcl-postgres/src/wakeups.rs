//! Wake-ups pushed by `NOTIFY`.

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

/// The channel of a session, of any application: its incarnation is drawn from 128 random bits.
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

/// Waiting for the next wake-up: it goes on when whoever waited for it went away, and ends with the
/// listener, or with the error that there is none.
type Hearing = Pin<Box<dyn Future<Output = Result<PushListener, Deaf>> + Send>>;

/// A connection that listens for one session.
struct Listening {
    hearing: Option<Hearing>,
    schema: Schema,
    session: String,
}

/// The connection itself, and when it was made.
struct PushListener {
    listener: PgListener,
    era: Era,
    eras: Arc<Eras>,
    address: String,
    /// How long nothing may come before the server is asked for a sign of life, and how long it may
    /// take for that.
    patience: Duration,
}

/// Why nothing will be heard on a connection any more.
enum Deaf {
    /// What the driver or the server said.
    Failed(sqlx::Error),
    /// What is to be said.
    Lost(&'static str),
}

/// Listens for wake-ups of a session, on a connection of its own.
pub(crate) async fn listen(tables: &Tables, id: &SessionId) -> StoreResult<Box<dyn Wakeups>> {
    let session = id.key();
    let connections = &tables.connections;
    let call = tables.call(OP, &session, Effect::Reads);
    let (options, mark) = connections.marked();
    let patience = connections.operation_timeout();
    let (era, eras) = (connections.eras().now(), Arc::clone(connections.eras()));
    let listening = async {
        // The listener wants a pool; it holds its only connection.
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
    // A connection in the making is large.
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
    /// Waits for a wake-up.
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
