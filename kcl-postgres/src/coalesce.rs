//! Writes the checkpoints of a worker that are requested at the same moment in one statement. Each
//! still succeeds or is refused by itself.
//!
//! The first caller that finds no waiting checkpoint leads: it yields once, so that other callers
//! join, then takes all waiting checkpoints and writes them. A caller whose leader is dropped gets
//! [`StoreErrorKind::Unknown`], because the statement may have been sent.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use kcl_core::{
    lease::{Advance, Lease, LeaseKey, Write},
    store::{StoreError, StoreErrorKind, StoreResult},
};
use tokio::sync::oneshot;

use crate::{error::Effect, statements, table::Tables};

/// The most checkpoints in one statement.
const MOST: usize = 500;

/// The checkpoints that wait for the next statement, by lease.
#[derive(Debug, Default)]
pub(crate) struct Coalescer {
    waiting: Mutex<BTreeMap<LeaseKey, Waiting>>,
}

/// A checkpoint that waits, and its caller.
#[derive(Debug)]
struct Waiting {
    advance: Advance,
    answer: oneshot::Sender<StoreResult<Write<Lease>>>,
}

impl Coalescer {
    /// Writes a checkpoint, together with others if there are any.
    ///
    /// # Cancel safety
    /// A dropped call leaves open whether the checkpoint is written. Those that wait behind a
    /// dropped leader fail with [`StoreErrorKind::Unknown`].
    pub(crate) async fn advance(
        &self,
        tables: &Tables,
        advance: Advance,
    ) -> StoreResult<Write<Lease>> {
        let Some((leads, answered)) = self.join(&advance) else {
            return alone(tables, &advance).await;
        };
        if leads {
            let led = BatchLeader(Some(self));
            // Calls that are ready to run now join before this task goes on.
            tokio::task::yield_now().await;
            let batch = led.take();
            write(tables, batch).await;
        }
        answered.await.unwrap_or_else(|_| {
            // The leader was dropped; its statement may have been sent.
            let call = tables.call("advance", advance.key.as_str(), Effect::Writes);
            Err(call.error(StoreErrorKind::Unknown, "the statement it was part of was given up"))
        })
    }

    /// Adds a checkpoint to the waiting ones. Returns whether the caller leads, and the receiver of
    /// the answer. `None` if the checkpoint must be written alone: it is the end of a shard, its
    /// lease already waits (one statement writes a row once), or the statement is full.
    fn join(
        &self,
        advance: &Advance,
    ) -> Option<(bool, oneshot::Receiver<StoreResult<Write<Lease>>>)> {
        let mut waiting = self.waiting();
        let alone = advance.checkpoint.is_end()
            || waiting.contains_key(&advance.key)
            || waiting.len() >= MOST;
        if alone {
            return None;
        }
        let leads = waiting.is_empty();
        let (answer, answered) = oneshot::channel();
        waiting.insert(advance.key.clone(), Waiting { advance: advance.clone(), answer });
        Some((leads, answered))
    }

    fn waiting(&self) -> MutexGuard<'_, BTreeMap<LeaseKey, Waiting>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The duty to write the waiting checkpoints. Dropping it fails them all. After [`Self::take`], the
/// next caller leads the next statement.
struct BatchLeader<'a>(Option<&'a Coalescer>);

impl BatchLeader<'_> {
    fn take(mut self) -> Vec<Waiting> {
        let all = self.0.take().map(|coalescer| std::mem::take(&mut *coalescer.waiting()));
        all.unwrap_or_default().into_values().collect()
    }
}

impl Drop for BatchLeader<'_> {
    fn drop(&mut self) {
        if let Some(coalescer) = self.0 {
            coalescer.waiting().clear();
        }
    }
}

/// Writes one checkpoint in a statement of its own.
async fn alone(tables: &Tables, advance: &Advance) -> StoreResult<Write<Lease>> {
    tables.write("advance", &advance.key, statements::advance(advance)).await
}

/// Writes a batch of checkpoints and sends each answer. A caller that was dropped gets none.
async fn write(tables: &Tables, batch: Vec<Waiting>) {
    if let [_] = batch[..] {
        for Waiting { advance, answer } in batch {
            let _ = answer.send(alone(tables, &advance).await);
        }
        return;
    }
    let advances: Vec<&Advance> = batch.iter().map(|waiting| &waiting.advance).collect();
    let written = tables.write_all::<Lease>("advance", statements::advance_all(&advances)).await;
    let mut written = written.map(|rows| {
        let by_key = rows.into_iter().map(|row| (row.key.clone(), row));
        by_key.collect::<BTreeMap<_, _>>()
    });
    for Waiting { advance, answer } in batch {
        let outcome = match &mut written {
            Ok(rows) => match rows.remove(&advance.key) {
                Some(row) => Ok(Write::Done(row)),
                None => tables.get("advance", &advance.key).await.map(Write::Refused),
            },
            Err(error) => Err(same(error, &advance.key)),
        };
        let _ = answer.send(outcome);
    }
}

/// A copy of the statement's error, for one of its leases.
fn same(error: &StoreError, key: &LeaseKey) -> StoreError {
    let why = error.source.as_ref().map(ToString::to_string).unwrap_or_default();
    StoreError::new(error.kind, error.op, key.as_str()).caused_by(why)
}
