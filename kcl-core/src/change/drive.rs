//! Driving a change on a store.

use std::{sync::Arc, task::Poll, time::Duration};

use tracing::{info, warn};

use super::{
    closing::{Ask, Changed, Closing, Intent},
    copy::{Copy, Head},
    design::{Design, Found, Unfit},
    error::ChangeError,
    reset::{Move, Reach, moves},
    target::{RowChange, Spot},
    turn::Change,
};
use crate::{
    coordinator::StreamView,
    env::{Env, Rng},
    explain,
    lease::{Changing, DocName, LeaseKey},
    observe::{Observer, Seam, WatchedStore},
    store::{LeaseStore, LeaseStoreExt, StoreError},
    stream::{
        ReadEvent, SequenceNumber, ShardReader, SourceError, SourceErrorKind, SourceResult,
        StartAt, StreamSource,
    },
    worker::{carry_out, list},
};

/// How long a call may take before its outcome counts as unknown.
const DEADLINE: Duration = Duration::from_secs(10);

/// How many rows are written at once where there are thousands: a store that is shared with others
/// still has room for them.
const LANES: usize = 32;

/// So many rows are worth a lane more: what is small is written row by row.
const ROWS_A_LANE: usize = 64;

/// What a change would do to what is there now.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Preview {
    /// Each lease, those that stay included, in the order of keys.
    pub moves: Vec<Move>,
    /// What the document `changing` says: a change that was broken off is gone on with as it was
    /// planned then, whatever is shown here.
    pub changing: Option<Changing>,
}

impl Preview {
    /// These moves, in an application that says this of a change.
    #[must_use]
    pub const fn new(moves: Vec<Move>, changing: Option<Changing>) -> Self {
        Self { moves, changing }
    }
}

/// Why nothing can be shown.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Failed {
    /// The store's failure.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The stream's failure.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// The change cannot be made.
    #[error(transparent)]
    Unfit(#[from] Unfit),
    /// A document makes no sense.
    #[error(transparent)]
    Change(#[from] ChangeError),
}

/// Whether the application is closed, and by whom; `None`: it never was.
///
/// # Errors
/// The store's; a document that makes no sense.
pub async fn state(store: &dyn LeaseStore) -> Result<Option<Changing>, Failed> {
    let Some(doc) = store.doc(&DocName::changing()).await? else { return Ok(None) };
    let changing = Changing::decode(&doc.body);
    Ok(Some(changing.map_err(|error| ChangeError::corrupt(&doc.name, &error))?))
}

/// Shows what a change would do. Nothing is changed.
///
/// # Errors
/// The store's, the stream's; the change cannot be made of what is there.
///
/// # Cancel safety
/// Safe: it only reads.
pub async fn preview(
    design: &dyn Design,
    store: &dyn LeaseStore,
    source: &dyn StreamSource,
) -> Result<Preview, Failed> {
    let changing = state(store).await?;
    let rows = store.all_leases().await?;
    let docs = store.all_docs().await?;
    let stream = list(source).await?;
    let found = Found { rows: &rows, docs: &docs, stream: &stream };
    let target = design.plan(&found)?;
    Ok(Preview { moves: moves(&target, &found), changing })
}

/// Shows what taking a change back would do: the one that was broken off, else the last. Nothing is
/// changed.
///
/// # Errors
/// The store's; there is no change to take back.
///
/// # Cancel safety
/// Safe: it only reads.
pub async fn preview_undo(store: &dyn LeaseStore) -> Result<Preview, Failed> {
    let changing = state(store).await?.ok_or(ChangeError::NothingToUndo)?;
    let change = Change::of(&changing).ok_or(ChangeError::NothingToUndo)?;
    let copy = stored_copy(store, &change).await?;
    if copy.is_none() && !changing.is_closed() {
        return Err(ChangeError::NothingToUndo.into());
    }
    let rows = store.all_leases().await?;
    let changes = copy.map(|copy| copy.target.rows).unwrap_or_default();
    let back = |change: &RowChange| {
        let row = rows.iter().find(|row| row.key == *change.key());
        let to = change.wanted(true);
        let stays = row.is_some_and(|row| Spot::of(row) == to);
        Move {
            lease: change.key().clone(),
            from: row.map(|row| row.checkpoint.clone()),
            to: to.checkpoint,
            arrival: row.and_then(|row| row.progress.arrival),
            reach: if stays { Reach::Stays } else { Reach::Unknown },
        }
    };
    Ok(Preview { moves: changes.iter().map(back).collect(), changing: Some(changing) })
}

/// The copy that was made for a change; `None`: rows were not changed for it yet, or it is too old.
///
/// # Errors
/// The store's; a copy that makes no sense.
pub async fn stored_copy(store: &dyn LeaseStore, change: &Change) -> Result<Option<Copy>, Failed> {
    let (change, begun) = (change.number, &change.begun);
    let name = DocName::copy(change);
    let Some(head) = store.doc(&name).await?.and_then(|doc| Head::decode(&doc.body)) else {
        return Ok(None);
    };
    if !head.is_of(begun) {
        return Ok(None);
    }
    let mut parts = Vec::new();
    for part in head.names(change) {
        parts.push(store.doc(&part).await?.map(|doc| doc.body).unwrap_or_default());
    }
    let copy = Copy::read(&head, &parts).map_err(|error| ChangeError::copy(&name, &error))?;
    Ok(Some(copy))
}

/// Who is at it, for the document `changing`: a command, on this machine, in this process.
#[must_use]
pub fn caller(command: &str) -> String {
    let host = rustix::system::uname().nodename().to_string_lossy().into_owned();
    format!("{command} on {host} (process {})", std::process::id())
}

/// How many answers without a record are waited for.
const EMPTY_MAX: usize = 5;

/// Whether the shard of a lease is seen to hold the record of this number.
///
/// # Errors
/// The stream's.
///
/// # Cancel safety
/// Safe: it only reads.
pub async fn has_record(
    source: &dyn StreamSource,
    lease: &LeaseKey,
    number: &SequenceNumber,
) -> SourceResult<bool> {
    let Some((stream, shard)) = lease.stream().zip(lease.shard()) else { return Ok(false) };
    let mut reader = match source.open(&stream, &shard, StartAt::At(number.clone())).await {
        Ok(reader) => reader,
        // The service refuses a number that is none of its own.
        Err(error) if error.kind == SourceErrorKind::Misconfigured => return Ok(false),
        Err(error) => return Err(error),
    };
    let begins = begins_with(&mut *reader, number).await;
    reader.close().await;
    begins
}

/// Whether the first record that a reader finds has this number.
async fn begins_with(reader: &mut dyn ShardReader, number: &SequenceNumber) -> SourceResult<bool> {
    for _ in 0..EMPTY_MAX {
        match reader.next(reader.size_hint()).await {
            Ok(ReadEvent::Batch(batch)) => {
                if let Some(first) = batch.records.first() {
                    return Ok(first.position.sequence == *number);
                }
            }
            Ok(_) => return Ok(false),
            Err(error) if error.kind == SourceErrorKind::Misconfigured => return Ok(false),
            Err(error) => return Err(error),
        }
    }
    Ok(false)
}

/// Carries a change out, for somebody called `by`: closes the application, proves that nobody
/// lives, copies everything, writes every row, and opens the application again. It takes at least
/// a session timeout if a worker died without a word.
///
/// The stream is needed by a change that is made, not by one that is taken back.
///
/// # Errors
/// [`ChangeError`]. What was begun stays closed, unless nothing was changed yet.
///
/// # Cancel safety
/// Dropping the future leaves the application closed, as a crash does: the same change goes on
/// with it.
pub async fn apply(
    intent: Intent,
    by: &str,
    store: &Arc<dyn LeaseStore>,
    source: Option<&dyn StreamSource>,
    env: &Env,
) -> Result<Changed, ChangeError> {
    apply_observed(intent, by, store, source, env, Vec::new()).await
}

/// As [`apply`]; each call to the store is told to these, too.
///
/// # Errors
/// Those of [`apply`].
///
/// # Cancel safety
/// That of [`apply`].
pub async fn apply_observed(
    intent: Intent,
    by: &str,
    store: &Arc<dyn LeaseStore>,
    source: Option<&dyn StreamSource>,
    env: &Env,
    observers: Vec<Arc<dyn Observer>>,
) -> Result<Changed, ChangeError> {
    let mut rng = Rng::new(env.entropy.next_u64() ^ env.entropy.next_u64().rotate_left(32));
    let mut run = Closing::new(intent, by, env.clock.wall(), &mut rng).in_lanes(LANES, ROWS_A_LANE);
    let seam = Seam::new(store.application(), None, env.clock.clone(), observers);
    let store = WatchedStore::new(store.clone(), seam);
    let (mut announced, mut told) = (false, false);
    loop {
        if let Some(change) = run.change()
            && !std::mem::replace(&mut announced, true)
        {
            let (change, what, undoing) = (change.number, &*change.what, change.undoing);
            info!(change, what, undoing, "kcl.change.closed");
        }
        if run.starts_over() && !std::mem::replace(&mut told, true) {
            warn!("kcl.change.went_back");
        }
        match run.next(env.clock.now()) {
            Ask::Store(call) => {
                let outcome = carry_out(&store, *call, DEADLINE).await;
                run.learn(env.clock.now(), outcome);
            }
            Ask::Each(calls) => {
                let outcomes =
                    each(calls.into_iter().map(|call| carry_out(&store, call, DEADLINE))).await;
                run.learn_each(env.clock.now(), outcomes);
            }
            Ask::Stream => {
                let listed = match source {
                    Some(source) => list(source).await.map_err(|error| explain(&error)),
                    None => Err("no stream is named".to_owned()),
                };
                run.learn_stream(listed);
            }
            Ask::Wait(until) => env.clock.sleep_until(until).await,
            Ask::Over => break,
        }
    }
    match run.result() {
        Some(Ok(changed)) => {
            let Changed { number, leases, undone } = *changed;
            info!(change = number, leases, undone, "kcl.change.opened");
            Ok(changed.clone())
        }
        Some(Err(error)) => {
            warn!(%error, "kcl.change.failed");
            Err(error.clone())
        }
        None => Err(ChangeError::Overtaken { by: "somebody".to_owned() }),
    }
}

/// Waits for all of them side by side; their answers, in their order.
async fn each<F: Future>(calls: impl Iterator<Item = F>) -> Vec<F::Output> {
    let mut waiting: Vec<_> = calls.map(Box::pin).map(|call| (Some(call), None)).collect();
    std::future::poll_fn(|context| {
        let mut all_ready = true;
        for (call, answer) in &mut waiting {
            if let Some(future) = call {
                match future.as_mut().poll(context) {
                    Poll::Ready(ready) => (*call, *answer) = (None, Some(ready)),
                    Poll::Pending => all_ready = false,
                }
            }
        }
        if all_ready { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
    waiting.into_iter().filter_map(|(_, answer)| answer).collect()
}

/// The stream and its shards, all of one life of it.
///
/// # Errors
/// The stream's; it was made again meanwhile.
///
/// # Cancel safety
/// Safe: it only reads.
pub async fn view(source: &dyn StreamSource) -> SourceResult<StreamView> {
    list(source).await
}
