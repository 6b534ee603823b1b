//! Connections that are on their way.
//!
//! Far from the server each step of making a connection is a round trip, and so are those of a
//! statement: together they may take longer than a caller waits. So a caller who goes away leaves
//! behind what was begun, and the next one goes on with it.

use std::{fmt, pin::Pin, sync::Mutex, sync::PoisonError};

use kcl_core::{env::Time, store::Era};
use sqlx::postgres::PgRow;

use crate::{
    connection::{ConnectError, Held},
    deadline::within,
    error::outlived,
};

type Work<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// An attempt to make a connection.
pub(crate) type Connecting = Work<Result<Held, ConnectError>>;

/// A statement under way, and the connection that it holds.
pub(crate) type Asking = Work<(Held, sqlx::Result<Vec<PgRow>>)>;

/// What will end with a connection.
struct Pending {
    connecting: Connecting,
    /// When it counts as stuck.
    until: Time,
    /// Of a statement: when its connection was made.
    era: Option<Era>,
}

/// What was begun by those who went away.
#[derive(Default)]
pub(crate) struct Unfinished(Mutex<Vec<Pending>>);

impl Unfinished {
    fn pending(&self) -> std::sync::MutexGuard<'_, Vec<Pending>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Gives up what is stuck; tells the era of a connection on which no answer came.
    pub(crate) fn give_up(&self, now: Time) -> Option<Era> {
        let mut pending = self.pending();
        let silent =
            pending.iter().filter(|pending| pending.until <= now).find_map(|pending| pending.era);
        pending.retain(|pending| pending.until > now);
        silent
    }

    /// A connection that somebody else began to make or to use, once it is ready.
    ///
    /// # Cancel safety
    /// Safe: it stays begun.
    pub(crate) async fn finish(&self, deadline: Time) -> Option<Held> {
        let Pending { connecting, until, era } = self.pending().pop()?;
        self.go_on(connecting, era, until, deadline).await?.ok()
    }

    /// The outcome of an attempt, unless the deadline comes first. It counts as stuck after
    /// `until`.
    ///
    /// # Cancel safety
    /// Safe: it stays begun.
    pub(crate) async fn make(
        &self,
        connecting: Connecting,
        until: Time,
        deadline: Time,
    ) -> Option<Result<Held, ConnectError>> {
        self.go_on(connecting, None, until, deadline).await
    }

    async fn go_on(
        &self,
        connecting: Connecting,
        era: Option<Era>,
        until: Time,
        deadline: Time,
    ) -> Option<Result<Held, ConnectError>> {
        let keep = |connecting| connecting;
        let mut left = Left { work: Some(connecting), until, era, behind: self, keep };
        left.wait(deadline.min(until)).await
    }

    /// The answer to a statement with its connection, unless the deadline comes first. It counts
    /// as stuck after `until`.
    ///
    /// # Cancel safety
    /// The statement is finished when another caller needs a connection, or never.
    pub(crate) async fn ask(
        &self,
        asking: Asking,
        era: Era,
        until: Time,
        deadline: Time,
    ) -> Option<(Held, sqlx::Result<Vec<PgRow>>)> {
        let keep = |asking: Asking| -> Connecting {
            Box::pin(async move {
                match asking.await {
                    (_, Err(error)) if !outlived(&error) => Err(error.into()),
                    (held, _) => Ok(held),
                }
            })
        };
        let mut left = Left { work: Some(asking), until, era: Some(era), behind: self, keep };
        left.wait(deadline).await
    }
}

/// Work that somebody waits for, and leaves behind if they go away.
struct Left<'a, T> {
    work: Option<Work<T>>,
    until: Time,
    era: Option<Era>,
    behind: &'a Unfinished,
    keep: fn(Work<T>) -> Connecting,
}

impl<T> Left<'_, T> {
    async fn wait(&mut self, deadline: Time) -> Option<T> {
        let outcome = within(deadline, self.work.as_mut()?).await;
        if outcome.is_some() {
            self.work = None;
        }
        outcome
    }
}

impl<T> Drop for Left<'_, T> {
    fn drop(&mut self) {
        if let Some(work) = self.work.take() {
            let (connecting, until, era) = ((self.keep)(work), self.until, self.era);
            self.behind.pending().push(Pending { connecting, until, era });
        }
    }
}

impl fmt::Debug for Unfinished {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Unfinished").field(&self.pending().len()).finish()
    }
}
