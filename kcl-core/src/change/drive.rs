//! Making the calls of a change on a store: [`apply`], and the previews for commands.

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

/// The most rows that are written at once: a store that other applications use still has capacity
/// left.
const LANES: usize = 32;

/// One more row at once for each this many rows: a small application is written row by row.
const ROWS_A_LANE: usize = 64;

/// The effect that a change would have on the application as it is now.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Preview {
    /// All leases, those that do not move included, in the order of keys.
    pub moves: Vec<Move>,
    /// The document `changing`; `None` if there is none. If it names a change that was broken off,
    /// that change goes on as it was planned then, whatever this preview shows.
    pub changing: Option<Changing>,
}

impl Preview {
    /// A preview of these moves, with the content of `changing`.
    #[must_use]
    pub const fn new(moves: Vec<Move>, changing: Option<Changing>) -> Self {
        Self { moves, changing }
    }
}

/// Why a preview or a state cannot be shown.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Failed {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The source failed.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// The change cannot be made of this application.
    #[error(transparent)]
    Unfit(#[from] Unfit),
    /// A document cannot be decoded, or there is no change to take back.
    #[error(transparent)]
    Change(#[from] ChangeError),
}

/// Whether the application is closed, and by whom; `None` if it was never closed.
///
/// # Errors
/// When the store fails, or the document `changing` cannot be decoded.
///
/// # Cancel safety
/// Safe: it only reads.
pub async fn state(store: &dyn LeaseStore) -> Result<Option<Changing>, Failed> {
    let Some(doc) = store.doc(&DocName::changing()).await? else { return Ok(None) };
    let changing = Changing::decode(&doc.body);
    Ok(Some(changing.map_err(|error| ChangeError::corrupt(&doc.name, &error))?))
}

/// Shows the effect that a change would have. It changes nothing.
///
/// # Errors
/// When the store or the source fails, or the change cannot be made of this application.
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

/// Shows the effect that an undo would have: it takes back the change that was broken off, or else
/// the last one. It changes nothing.
///
/// # Errors
/// When the store fails, a document cannot be decoded, or there is no change to take back.
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

/// The stored copy of a change. `None` if no row was changed for it yet, or if the copy was deleted
/// since.
///
/// # Errors
/// When the store fails, or the copy cannot be decoded.
///
/// # Cancel safety
/// Safe: it only reads.
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

/// A text that names this process, for the document `changing`: the command, the host and the
/// process id.
#[must_use]
pub fn caller(command: &str) -> String {
    let host = rustix::system::uname().nodename().to_string_lossy().into_owned();
    format!("{command} on {host} (process {})", std::process::id())
}

/// After this many answers without a record a shard counts as without one.
const EMPTY_MAX: usize = 5;

/// Whether the shard of a lease is seen to hold the record with this sequence number. `false` is no
/// proof that it does not: the answers may have been empty.
///
/// # Errors
/// When the source fails. A sequence number that the service refuses is no error, but `false`.
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
        // The service refuses a sequence number that it never gave.
        Err(error) if error.kind == SourceErrorKind::Misconfigured => return Ok(false),
        Err(error) => return Err(error),
    };
    let begins = begins_with(&mut *reader, number).await;
    reader.close().await;
    begins
}

/// Whether the first record that the reader returns has this number.
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

/// Carries a change out in the name `by`: closes the application, makes sure that every session has
/// ended, copies everything, writes every row, and opens the application again. It takes at least a
/// session timeout if a worker died without ending its session.
///
/// `source` is needed to make a change; an undo needs none.
///
/// # Errors
/// [`ChangeError`]. The application stays closed, unless nothing was changed yet;
/// [`Intent::Prepare`] leaves it closed in any case once it has prepared.
///
/// # Cancel safety
/// Dropping the future leaves the application closed, as a crash does: the same command goes on
/// with the change.
pub async fn apply(
    intent: Intent,
    by: &str,
    store: &Arc<dyn LeaseStore>,
    source: Option<&dyn StreamSource>,
    env: &Env,
) -> Result<Changed, ChangeError> {
    apply_observed(intent, by, store, source, env, Vec::new()).await
}

/// As [`apply`], with observers that hear of each call to the store.
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

/// Polls all futures side by side until each is ready. Their outputs, in their order.
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

/// The stream and its shards, all of the same life.
///
/// # Errors
/// When the source fails, or the stream was made again between the two calls.
///
/// # Cancel safety
/// Safe: it only reads.
pub async fn view(source: &dyn StreamSource) -> SourceResult<StreamView> {
    list(source).await
}
