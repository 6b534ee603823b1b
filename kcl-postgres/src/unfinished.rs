//! Keeps connection attempts and statements whose caller was dropped, for the next caller to
//! continue.
//!
//! Far from the server, a connection attempt with its many round trips may take longer than a
//! caller waits. If each caller started again, none would ever get a connection.

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

/// Unfinished work whose end is a usable connection.
struct Pending {
    connecting: Connecting,
    /// The time after which the work counts as stuck.
    until: Time,
    /// For a statement, the era of its connection; `None` for a connection attempt.
    era: Option<Era>,
}

/// The unfinished work of a pool.
#[derive(Default)]
pub(crate) struct Unfinished(Mutex<Vec<Pending>>);

impl Unfinished {
    fn pending(&self) -> std::sync::MutexGuard<'_, Vec<Pending>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Drops the work that is stuck. Returns the era of a connection on which a statement got no
    /// answer, if there is one.
    pub(crate) fn give_up(&self, now: Time) -> Option<Era> {
        let mut pending = self.pending();
        let silent =
            pending.iter().filter(|pending| pending.until <= now).find_map(|pending| pending.era);
        pending.retain(|pending| pending.until > now);
        silent
    }

    /// Continues unfinished work, and returns its connection. `None` if there is none, or if it
    /// fails or is not done by the deadline.
    ///
    /// # Cancel safety
    /// Safe: the work stays unfinished.
    pub(crate) async fn finish(&self, deadline: Time) -> Option<Held> {
        let Pending { connecting, until, era } = self.pending().pop()?;
        self.go_on(connecting, era, until, deadline).await?.ok()
    }

    /// Waits for a connection attempt, which counts as stuck after `until`. `None` if the deadline
    /// comes first; the attempt then stays unfinished.
    ///
    /// # Cancel safety
    /// Safe: the attempt stays unfinished.
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

    /// Waits for the answer to a statement, which counts as stuck after `until`. `None` if the
    /// deadline comes first.
    ///
    /// # Cancel safety
    /// The statement stays unfinished until another caller needs a connection, perhaps for ever.
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

/// Work that a caller awaits. Dropping it before its end makes it unfinished work of `behind`.
struct Left<'a, T> {
    work: Option<Work<T>>,
    until: Time,
    era: Option<Era>,
    behind: &'a Unfinished,
    /// Turns the work into one that ends with a connection.
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
