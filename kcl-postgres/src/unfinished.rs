//! Connections that are on their way.
//!
//! Far from the server each step of making a connection is a round trip, and so are those of a
//! statement: together they may take longer than a caller waits. So a caller who goes away leaves
//! behind what was begun, and the next one goes on with it.

use std::{fmt, pin::Pin, sync::Mutex, sync::PoisonError};

use kcl_core::{env::Time, store::Era};
use sqlx::postgres::PgRow;

use crate::{
    connection::{Held, Unmade},
    deadline::within,
    error::outlived,
};

type Work<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// An attempt to make a connection.
pub(crate) type Making = Work<Result<Held, Unmade>>;

/// A statement under way, and the connection that it holds.
pub(crate) type Asking = Work<(Held, sqlx::Result<Vec<PgRow>>)>;

/// What will end with a connection.
struct Begun {
    making: Making,
    /// When it counts as stuck.
    until: Time,
    /// Of a statement: when its connection was made.
    era: Option<Era>,
}

/// What was begun by those who went away.
#[derive(Default)]
pub(crate) struct Unfinished(Mutex<Vec<Begun>>);

impl Unfinished {
    fn begun(&self) -> std::sync::MutexGuard<'_, Vec<Begun>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Gives up what is stuck; tells the era of a connection on which no answer came.
    pub(crate) fn give_up(&self, now: Time) -> Option<Era> {
        let mut begun = self.begun();
        let silent = begun.iter().filter(|begun| begun.until <= now).find_map(|begun| begun.era);
        begun.retain(|begun| begun.until > now);
        silent
    }

    /// A connection that somebody else began to make or to use, once it is ready.
    ///
    /// # Cancel safety
    /// Safe: it stays begun.
    pub(crate) async fn finish(&self, deadline: Time) -> Option<Held> {
        let Begun { making, until, era } = self.begun().pop()?;
        self.go_on(making, era, until, deadline).await?.ok()
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
    ) -> Option<Result<Held, Unmade>> {
        self.go_on(making, None, until, deadline).await
    }

    async fn go_on(
        &self,
        making: Making,
        era: Option<Era>,
        until: Time,
        deadline: Time,
    ) -> Option<Result<Held, Unmade>> {
        let keep = |making| making;
        let mut left = Left { work: Some(making), until, era, behind: self, keep };
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
        let keep = |asking: Asking| -> Making {
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
            let (making, until, era) = ((self.keep)(work), self.until, self.era);
            self.behind.begun().push(Begun { making, until, era });
        }
    }
}

impl fmt::Debug for Unfinished {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Unfinished").field(&self.begun().len()).finish()
    }
}
