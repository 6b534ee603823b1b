//! Wake-ups pushed by `NOTIFY`.

use std::fmt;

use async_trait::async_trait;
use kcl_core::{
    env::Env,
    lease::SessionId,
    store::{StoreError, StoreErrorKind, StoreResult, Wakeups},
};
use sqlx::postgres::{PgListener, PgPoolOptions};

use crate::{
    connections::{greet, within},
    error::{Call, Effect},
    layout::Schema,
    table::Tables,
    unfinished::Unmade,
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

/// A connection that listens for one session.
#[derive(Debug)]
struct Listening {
    listener: PgListener,
    schema: Schema,
    session: String,
}

/// Listens for wake-ups of a session, on a connection of its own.
pub(crate) async fn listen(tables: &Tables, id: &SessionId) -> StoreResult<Box<dyn Wakeups>> {
    let session = id.key();
    let call = tables.call(OP, &session, Effect::Reads);
    let (options, mark) = tables.connections.marked();
    let patience = tables.connections.operation_timeout();
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
        greet(&mut listener, &mark).await?;
        listener.listen(&Channel::of(id).to_string()).await?;
        Ok::<_, Unmade>(listener)
    };
    let deadline = Env::system().clock.now() + patience;
    let late = || call.error(StoreErrorKind::Unavailable, "the server did not answer in time");
    let listener = within(deadline, listening).await.ok_or_else(late)?;
    let listener =
        listener.map_err(|unmade| call.unmade(&unmade, &tables.connections.address()))?;
    let schema = tables.schema.clone();
    Ok(Box::new(Listening { listener, schema, session }))
}

const OP: &str = "wakeups";

impl Listening {
    fn call(&self) -> Call<'_> {
        Call { op: OP, schema: &self.schema, row: &self.session, effect: Effect::Reads }
    }
}

#[async_trait]
impl Wakeups for Listening {
    async fn next(&mut self) -> StoreResult<()> {
        match self.listener.try_recv().await {
            Ok(Some(_)) => Ok(()),
            Ok(None) => Err(lost(&self.call())),
            Err(error) => Err(self.call().failed(&error)),
        }
    }
}

fn lost(call: &Call<'_>) -> StoreError {
    call.error(StoreErrorKind::Unavailable, "the connection that listened was lost")
}
