//! A worker's checkpoints, written together: those that are asked for at the same moment become
//! one statement. Each still succeeds or is refused by itself.

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

/// Checkpoints of one statement, at most.
const MOST: usize = 500;

/// Checkpoints that wait to be written together.
#[derive(Debug, Default)]
pub(crate) struct Coalescer {
    waiting: Mutex<BTreeMap<LeaseKey, Waiting>>,
}

#[derive(Debug)]
struct Waiting {
    advance: Advance,
    answer: oneshot::Sender<StoreResult<Write<Lease>>>,
}

impl Coalescer {
    /// Writes a checkpoint, with others if there are any.
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
            // Whoever was asked in the same breath has joined when this goes on.
            tokio::task::yield_now().await;
            let batch = led.take();
            write(tables, batch).await;
        }
        answered.await.unwrap_or_else(|_| {
            // Whoever led was dropped: its statement may have been sent.
            let call = tables.call("advance", advance.key.as_str(), Effect::Writes);
            Err(call.error(StoreErrorKind::Unknown, "the statement it was part of was given up"))
        })
    }

    /// Joins those that wait; `None` if this one has to go alone: the end of a shard is not kept
    /// waiting, and a statement writes a row once.
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

/// The duty to write for those that wait. If it is dropped they are told that nothing is known.
/// Once they are taken, whoever waits waits for another.
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

async fn alone(tables: &Tables, advance: &Advance) -> StoreResult<Write<Lease>> {
    tables.write("advance", &advance.key, statements::advance(advance)).await
}

/// Writes them all, and answers each. Nobody need wait for an answer any more.
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

/// What went wrong for all, for one of them.
fn same(error: &StoreError, key: &LeaseKey) -> StoreError {
    let why = error.source.as_ref().map(ToString::to_string).unwrap_or_default();
    StoreError::new(error.kind, error.op, key.as_str()).caused_by(why)
}
