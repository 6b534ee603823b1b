//! Reading ahead of the processor, within the worker's byte budget.

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

/// Something read, with the bytes it takes.
pub(super) enum Fetched {
    Batch(Batch, Reservation),
    Lost {
        from: Option<Position>,
        to: Option<Position>,
    },
    /// The shard has ended; its children, if the source said.
    End(Option<Vec<Shard>>),
}

/// Reads one shard.
pub(super) struct Fetcher {
    key: LeaseKey,
    epoch: Epoch,
    stream: StreamKey,
    shard: ShardId,
    gate: Arc<Gate>,
    start: Option<StartAt>,
    shared: Arc<Shared>,
    sender: mpsc::Sender<Fetched>,
    backoff: Backoff,
    /// The last position that was read, by this run or by those before it.
    read: Option<Position>,
    /// Since when the stream has not known the shard.
    unknown_since: Option<Time>,
}

/// Pauses between failing reads. The reader itself keeps to the rate limits.
const PAUSE: Duration = Duration::from_millis(200);
const PAUSE_MAX: Duration = Duration::from_secs(10);

/// How long the stream has to go on not knowing the shard before it counts as forgotten, unless the
/// shards that continue it are listed. A list may lag behind a split by seconds, and so may what
/// the service knows of the new shards; one that is forgotten was closed a whole retention ago,
/// which is a day at least.
const FORGOTTEN_AFTER: Duration = Duration::from_secs(30);

/// How long a reader may take to close: a release waits for it no longer.
pub(super) const CLOSING: Duration = Duration::from_millis(500);

/// Nothing more is to be read: the receiver is gone, or the shard has ended.
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

    /// Reads until the shard ends or nobody wants more, and closes the reader.
    pub(super) async fn work(mut self) {
        let (wanted, clock) = (self.sender.clone(), Arc::clone(&self.shared.env.clock));
        let (key, mut opened) = (self.key.clone(), None);
        tokio::select! {
            biased;
            // What is under way is dropped.
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

    /// Reads until the shard ends or nobody wants more. Who calls it closes what was opened.
    async fn read(&mut self, opened: &mut Option<Box<dyn ShardReader>>) {
        let Some(start) = self.start.clone() else { return };
        let Some(reader) = self.open(start).await else { return };
        let reader = opened.insert(reader);
        let account = self.shared.budget.account();
        let mut is_first = true;
        loop {
            // Without any room: a shard at rest takes none from the others.
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

    /// What is read but records.
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

    async fn open(&mut self, start: StartAt) -> Option<Box<dyn ShardReader>> {
        loop {
            match self.open_once(start.clone()).await {
                Ok(reader) => return Some(reader),
                Err(error) if error.kind == SourceErrorKind::OtherStream => {
                    self.tell(&error);
                    self.gate.report(&self.key, RunNews::OtherStream);
                    // The keeper drops the run.
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

    fn note_read(&mut self, batch: &Batch) {
        self.unknown_since = None;
        // An answer that brings nothing, short of the tip, does not show that reading works.
        if !batch.records.is_empty() || batch.at_tip {
            self.backoff.reset();
        }
        let last = batch.records.last().map(|record| &record.position);
        self.read = batch.through.as_ref().max(last).max(self.read.as_ref()).cloned();
    }

    fn stands(&self, calls: u32, why: String) {
        self.shared.tell(WorkerEvent::ReadStandstill { key: self.key.clone(), calls, why });
    }

    async fn end(&self, children: Option<Vec<Shard>>, proven: bool) {
        let (key, epoch) = (self.key.clone(), self.epoch);
        self.shared.tell(WorkerEvent::ReadingEnded { key, epoch });
        if !proven {
            let (key, after) = (self.key.clone(), self.read.clone());
            self.shared.tell(WorkerEvent::EndUnproven { key, after });
        }
        let _ = self.send(Fetched::End(children)).await;
    }

    async fn send_batch(&self, batch: Batch, room: Reservation) -> Result<(), Unwanted> {
        if batch.records.is_empty() && !self.shared.delivery.empty_batches {
            return if self.sender.is_closed() { Err(Unwanted) } else { Ok(()) };
        }
        self.send(Fetched::Batch(batch, room)).await
    }

    async fn send(&self, fetched: Fetched) -> Result<(), Unwanted> {
        self.sender.send(fetched).await.map_err(|_| Unwanted)
    }

    /// Whether the stream has forgotten the shard. That it does not know it, and does not list it,
    /// proves nothing by itself: the shard may be too new. Shards that continue it prove that it
    /// was there; otherwise both have to stay so.
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

    /// The shard is gone with whatever was not read: that is said loudly, and the shard ended, so
    /// that its children are read.
    async fn give_up(&self) {
        let lost = Fetched::Lost { from: self.read.clone(), to: None };
        if self.send(lost).await.is_ok() {
            let _ = self.send(Fetched::End(None)).await;
        }
    }

    /// Says why reading failed.
    fn tell(&self, error: &SourceError) {
        let source = error.source.as_deref().map(ToString::to_string).unwrap_or_default();
        self.shared.tell(WorkerEvent::ReadFailed {
            key: self.key.clone(),
            kind: error.kind,
            error: error.to_string(),
            source,
        });
    }

    async fn pause(&mut self, error: &SourceError) {
        self.tell(error);
        let pause = self.backoff.next();
        self.shared.env.clock.sleep(pause).await;
    }
}
