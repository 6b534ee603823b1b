//! Reads one shard ahead of the processor, within the worker's byte budget.
//!
//! The fetcher is a task beside delivery. It waits until the reader is ready, reserves bytes, reads
//! one batch and sends it through a channel of capacity one: while the processor works on a batch,
//! the next one waits in the channel and a third may be in the fetcher's hands. Each batch keeps
//! its reservation until it is processed.
//!
//! The fetcher retries failing reads for ever. It ends when delivery drops the receiver, when the
//! shard ends, or when the stream has forgotten the shard, which it reports as a loss and an end.

use std::{sync::Arc, time::Duration};

use tokio::sync::mpsc;
use tracing::warn;

use super::{
    backoff::Backoff,
    context::{Run, Shared},
};
use crate::{
    coordinator::RunNews,
    env::Time,
    lease::{Epoch, LeaseKey},
    observe::WorkerEvent,
    stream::{
        Batch, Position, ReadEvent, Shard, ShardId, ShardReader, SourceError, SourceErrorKind,
        SourceResult, StartAt, StreamKey,
    },
    worker::{budget::Reservation, catch::CatchPanic, gate::Gate, listing},
};

/// A message from the fetcher to delivery. `Lost` reports records between two positions that the
/// stream has trimmed before anybody read them.
pub(super) enum Fetched {
    /// A batch, with the reservation of its bytes.
    Batch(Batch, Reservation),
    Lost {
        from: Option<Position>,
        to: Option<Position>,
    },
    /// The shard has ended. Holds its children; `None` if the source did not name them.
    End(Option<Vec<Shard>>),
}

/// Reads one shard for one run.
pub(super) struct Fetcher {
    key: LeaseKey,
    epoch: Epoch,
    stream: StreamKey,
    shard: ShardId,
    gate: Arc<Gate>,
    /// The place to start at; `None` if the row's checkpoint is the end of the shard.
    start: Option<StartAt>,
    shared: Arc<Shared>,
    sender: mpsc::Sender<Fetched>,
    backoff: Backoff,
    /// The last position that was read, by this fetcher or, at its start, by an earlier owner.
    read: Option<Position>,
    /// The time since which the stream has answered that it does not know the shard.
    unknown_since: Option<Time>,
}

/// The first and the longest pause between failing reads. Rate limits are the reader's own duty.
const PAUSE: Duration = Duration::from_millis(200);
const PAUSE_MAX: Duration = Duration::from_secs(10);

/// The time for which the stream must keep answering that it does not know the shard, before the
/// shard counts as forgotten. The children in the list prove it at once. After a split, the list
/// and the reads may lag by seconds and not know the new shards yet; a stream forgets a shard only
/// a retention period after its end, which is at least a day.
const FORGOTTEN_AFTER: Duration = Duration::from_secs(30);

/// The time that a reader has to close. The release of the lease waits for it.
pub(super) const CLOSING: Duration = Duration::from_millis(500);

/// The fetcher is done: the receiver is gone, or the shard has ended.
struct Unwanted;

impl Fetcher {
    pub(super) fn new(run: &Run, start: Option<StartAt>, sender: mpsc::Sender<Fetched>) -> Self {
        let shared = Arc::clone(&run.shared);
        let backoff = Backoff::new(PAUSE, PAUSE_MAX, &*shared.env.entropy);
        let read = match &start {
            Some(StartAt::After(position)) => Some(position.clone()),
            _ => None,
        };
        Self {
            key: run.key.clone(),
            epoch: run.gate.epoch(),
            stream: run.stream.clone(),
            shard: run.shard.clone(),
            gate: Arc::clone(&run.gate),
            start,
            shared,
            sender,
            backoff,
            read,
            unknown_since: None,
        }
    }

    /// Reads until the shard ends or the receiver is gone, and closes the reader.
    pub(super) async fn work(mut self) {
        let (wanted, clock) = (self.sender.clone(), Arc::clone(&self.shared.env.clock));
        let (key, mut opened) = (self.key.clone(), None);
        tokio::select! {
            biased;
            // Drops a read under way.
            () = wanted.closed() => {}
            () = self.read(&mut opened) => {}
        }
        let Some(reader) = opened else { return };
        let failure = tokio::select! {
            biased;
            closed = CatchPanic(reader.close()) => closed.err(),
            () = clock.sleep(CLOSING) => Some(format!("not done after {CLOSING:?}")),
        };
        if let Some(why) = failure {
            warn!(lease = %key, why, "kcl.reader.unclosed");
        }
    }

    /// Opens a reader, which it puts into `opened` for the caller to close, and reads until the
    /// shard ends or the receiver is gone.
    async fn read(&mut self, opened: &mut Option<Box<dyn ShardReader>>) {
        let Some(start) = self.start.clone() else { return };
        let Some(reader) = self.open(start).await else { return };
        let reader = opened.insert(reader);
        let account = self.shared.budget.account();
        let mut is_first = true;
        loop {
            // Before the reservation: an idle shard holds no bytes that others could use.
            reader.ready().await;
            let mut room = account.reserve(reader.size_hint().0).await;
            let read = reader.next(crate::stream::ByteLimit(room.bytes())).await;
            if is_first && read.is_ok() {
                is_first = false;
                let (key, epoch) = (self.key.clone(), self.epoch);
                self.shared.tell(WorkerEvent::ReadingStarted { key, epoch });
            }
            let sent = match read {
                Ok(ReadEvent::Batch(batch)) => {
                    self.note_read(&batch);
                    room.resize(batch.weight());
                    self.send_batch(batch, room).await
                }
                other => {
                    drop(room);
                    self.on_other(other).await
                }
            };
            if sent.is_err() {
                return;
            }
        }
    }

    async fn open_once(&self, start: StartAt) -> SourceResult<Box<dyn ShardReader>> {
        let source = self.shared.sources.of_leases(&self.stream)?;
        source.open(&self.stream, &self.shard, start).await
    }

    /// Handles every result of a read except a batch.
    async fn on_other(&mut self, read: SourceResult<ReadEvent>) -> Result<(), Unwanted> {
        match read {
            Ok(ReadEvent::Batch(_)) => {}
            Ok(ReadEvent::Lost { from, to }) => {
                return self.send(Fetched::Lost { from, to }).await;
            }
            Ok(ReadEvent::Standstill { calls, why }) => self.stands(calls, why),
            Ok(ReadEvent::End { children, proven }) => {
                self.end(children, proven).await;
                return Err(Unwanted);
            }
            Err(error) if self.is_gone(&error).await => {
                self.give_up().await;
                return Err(Unwanted);
            }
            Err(error) => self.pause(&error).await,
        }
        Ok(())
    }

    /// Opens a reader, and retries for ever. `None` if there is nothing to read: the source reads
    /// another stream, or the stream has forgotten the shard.
    async fn open(&mut self, start: StartAt) -> Option<Box<dyn ShardReader>> {
        loop {
            match self.open_once(start.clone()).await {
                Ok(reader) => return Some(reader),
                Err(error) if error.kind == SourceErrorKind::OtherStream => {
                    self.tell(&error);
                    self.gate.report(&self.key, RunNews::OtherStream);
                    // The keeper then drops the run.
                    return None;
                }
                Err(error) if self.is_gone(&error).await => {
                    self.give_up().await;
                    return None;
                }
                Err(error) => self.pause(&error).await,
            }
        }
    }

    /// Notes a successful read: how far it got, and whether the backoff starts again.
    fn note_read(&mut self, batch: &Batch) {
        self.unknown_since = None;
        // An empty answer before the tip of the shard does not prove that reading works.
        if !batch.records.is_empty() || batch.at_tip {
            self.backoff.reset();
        }
        let last = batch.records.last().map(|record| &record.position);
        self.read = batch.through.as_ref().max(last).max(self.read.as_ref()).cloned();
    }

    /// Reports a reader that makes no progress.
    fn stands(&self, calls: u32, why: String) {
        self.shared.tell(WorkerEvent::ReadStandstill { key: self.key.clone(), calls, why });
    }

    /// Reports the end of the shard. An end that the source could not prove is an event of its own.
    async fn end(&self, children: Option<Vec<Shard>>, proven: bool) {
        let (key, epoch) = (self.key.clone(), self.epoch);
        self.shared.tell(WorkerEvent::ReadingEnded { key, epoch });
        if !proven {
            let (key, after) = (self.key.clone(), self.read.clone());
            self.shared.tell(WorkerEvent::EndUnproven { key, after });
        }
        let _ = self.send(Fetched::End(children)).await;
    }

    /// Sends a batch. An empty one goes to the processor only with the setting `empty_batches`.
    async fn send_batch(&self, batch: Batch, room: Reservation) -> Result<(), Unwanted> {
        if batch.records.is_empty() && !self.shared.delivery.empty_batches {
            return if self.sender.is_closed() { Err(Unwanted) } else { Ok(()) };
        }
        self.send(Fetched::Batch(batch, room)).await
    }

    async fn send(&self, fetched: Fetched) -> Result<(), Unwanted> {
        self.sender.send(fetched).await.map_err(|_| Unwanted)
    }

    /// True if the stream has forgotten the shard. [`SourceErrorKind::NoShard`] and a list without
    /// the shard do not prove it: the shard may be too new. Listed children prove it; without them
    /// both answers must last for [`FORGOTTEN_AFTER`].
    async fn is_gone(&mut self, error: &SourceError) -> bool {
        if error.kind != SourceErrorKind::NoShard {
            return false;
        }
        let Ok(source) = self.shared.sources.of_leases(&self.stream) else { return false };
        let Ok(listed) = listing::shards(&**source).await else { return false };
        if listed.iter().any(|shard| shard.id == self.shard) {
            self.unknown_since = None;
            return false;
        }
        let now = self.shared.env.clock.now();
        let since = *self.unknown_since.get_or_insert(now);
        let is_continued = listed.iter().any(|shard| shard.parents.contains(&self.shard));
        is_continued || now.since(since) >= FORGOTTEN_AFTER
    }

    /// Reports the unread rest of a forgotten shard as lost, and the end of the shard, so that its
    /// children are read.
    async fn give_up(&self) {
        let lost = Fetched::Lost { from: self.read.clone(), to: None };
        if self.send(lost).await.is_ok() {
            let _ = self.send(Fetched::End(None)).await;
        }
    }

    /// Reports a failed read.
    fn tell(&self, error: &SourceError) {
        let source = error.source.as_deref().map(ToString::to_string).unwrap_or_default();
        self.shared.tell(WorkerEvent::ReadFailed {
            key: self.key.clone(),
            kind: error.kind,
            error: error.to_string(),
            source,
        });
    }

    /// Reports a failed read and waits before the next.
    async fn pause(&mut self, error: &SourceError) {
        self.tell(error);
        let pause = self.backoff.next();
        self.shared.env.clock.sleep(pause).await;
    }
}
