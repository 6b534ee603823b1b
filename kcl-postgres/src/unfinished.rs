//! Connections that are on their way.
//!
//! Far from the server each step of making a connection is a round trip, and so are those of a
//! statement: together they may take longer than a caller waits. So a caller who goes away leaves
//! behind what was begun, and the next one goes on with it.

use std::{fmt, pin::Pin, sync::Mutex, sync::PoisonError};

use kcl_core::env::Time;
use sqlx::{PgConnection, postgres::PgRow};

use crate::connections::{outlived, within};

/// Why no connection could be made.
pub(crate) enum Unmade {
    /// The driver's or the server's reason.
    Failed(sqlx::Error),
    /// It would not have been the server's own.
    Pooled,
}

impl From<sqlx::Error> for Unmade {
    fn from(error: sqlx::Error) -> Self {
        Self::Failed(error)
    }
}

type Work<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// An attempt to make a connection.
pub(crate) type Making = Work<Result<PgConnection, Unmade>>;

/// A statement under way, and the connection that it holds.
pub(crate) type Asking = Work<(PgConnection, sqlx::Result<Vec<PgRow>>)>;

/// What will end with a connection.
struct Begun {
    making: Making,
    /// When it counts as stuck.
    until: Time,
}

/// What was begun by those who went away.
#[derive(Default)]
pub(crate) struct Unfinished(Mutex<Vec<Begun>>);

impl Unfinished {
    fn begun(&self) -> std::sync::MutexGuard<'_, Vec<Begun>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A connection that somebody else began to make or to use, once it is ready.
    ///
    /// # Cancel safety
    /// Safe: it stays begun.
    pub(crate) async fn finish(&self, now: Time, deadline: Time) -> Option<PgConnection> {
        self.begun().retain(|begun| begun.until > now);
        let Begun { making, until } = self.begun().pop()?;
        self.make(making, until, deadline).await?.ok()
    }

    /// The outcome of an attempt, unless the deadline comes first. It counts as stuck after
    /// `until`.
    ///
    /// # Cancel safety
    /// Safe: it stays begun.
    pub(crate) async fn make(
        &self,
        making: Making,
        until: Time,
        deadline: Time,
    ) -> Option<Result<PgConnection, Unmade>> {
        let mut left = Left { work: Some(making), until, behind: self, keep: |making| making };
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
        until: Time,
        deadline: Time,
    ) -> Option<(PgConnection, sqlx::Result<Vec<PgRow>>)> {
        let keep = |asking: Asking| -> Making {
            Box::pin(async move {
                match asking.await {
                    (_, Err(error)) if !outlived(&error) => Err(error.into()),
                    (connection, _) => Ok(connection),
                }
            })
        };
        let mut left = Left { work: Some(asking), until, behind: self, keep };
        left.wait(deadline).await
    }
}

/// Work that somebody waits for, and leaves behind if they go away.
struct Left<'a, T> {
    work: Option<Work<T>>,
    until: Time,
    behind: &'a Unfinished,
    keep: fn(Work<T>) -> Making,
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
            let (making, until) = ((self.keep)(work), self.until);
            self.behind.begun().push(Begun { making, until });
        }
    }
}

impl fmt::Debug for Unfinished {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Unfinished").field(&self.begun().len()).finish()
    }
}
