//! A store and a stream that note how each call on them ended.

use std::{
    collections::BTreeMap,
    future::Future,
    sync::{Arc, Mutex},
    thread,
};

use async_trait::async_trait;
use kcl_core::{
    lease::{
        Acquire, Advance, Beat, Delete, DeleteDoc, DocName, Document, EndSession, Forget, Lease,
        LeaseKey, PutDoc, Release, Restart, Session, SessionId, Stamped, Write,
    },
    store::{Consistency, Cursor, LeaseStore, Page, StoreResult, Wakeups},
    stream::{
        ByteLimit, ReadEvent, Shard, ShardId, ShardReader, SourceResult, StartAt,
        StreamDescription, StreamKey, StreamSource,
    },
};

/// How often a call of this name ended like this.
pub(crate) type Tally = BTreeMap<(&'static str, String), u64>;

/// What was noted, by whoever notes.
#[derive(Clone, Debug, Default)]
pub(crate) struct Noted(Arc<Mutex<Tally>>);

impl Noted {
    pub(crate) fn note(&self, op: &'static str, end: impl Into<String>) {
        *self.0.lock().unwrap().entry((op, end.into())).or_default() += 1;
    }

    pub(crate) fn tally(&self) -> Tally {
        self.0.lock().unwrap().clone()
    }

    /// How often any call ended like this.
    pub(crate) fn ended(&self, how: &str) -> u64 {
        let tally = self.tally();
        tally.iter().filter(|((_, end), _)| end == how).map(|(_, count)| count).sum()
    }

    async fn watch<T>(
        &self,
        op: &'static str,
        call: impl Future<Output = T>,
        end: impl FnOnce(&T) -> String,
    ) -> T {
        let pending = Pending { noted: self, op, ended: false };
        let answer = call.await;
        pending.end(end(&answer));
        answer
    }
}

struct Pending<'a> {
    noted: &'a Noted,
    op: &'static str,
    ended: bool,
}

impl Pending<'_> {
    fn end(mut self, end: String) {
        self.ended = true;
        self.noted.note(self.op, end);
    }
}

impl Drop for Pending<'_> {
    fn drop(&mut self) {
        if !self.ended {
            self.noted.note(self.op, if thread::panicking() { "panicked" } else { "dropped" });
        }
    }
}

/// Notes how each call on a store ended.
#[derive(Debug)]
pub(crate) struct CountingStore<S>(pub(crate) S, pub(crate) Noted);

fn written<R>(answer: &StoreResult<Write<R>>) -> String {
    ended(answer, |write| if write.is_done() { "done" } else { "refused" })
}

fn stamped<R>(answer: &StoreResult<Stamped<Write<R>>>) -> String {
    ended(answer, |write| if write.value.is_done() { "done" } else { "refused" })
}

fn read<T>(answer: &StoreResult<T>) -> String {
    ended(answer, |_| "done")
}

fn ended<T>(answer: &StoreResult<T>, done: impl FnOnce(&T) -> &'static str) -> String {
    match answer {
        Ok(answer) => done(answer).to_owned(),
        Err(error) => format!("{:?}", error.kind),
    }
}

macro_rules! counted {
    ($($name:ident($($arg:ident: $type:ty),*) -> $answer:ty, $end:ident;)+) => {
        #[async_trait]
        impl<S: LeaseStore> LeaseStore for CountingStore<S> {
            fn application(&self) -> &str {
                self.0.application()
            }

            fn location(&self) -> String {
                self.0.location()
            }

            $(async fn $name(&self, $($arg: $type),*) -> StoreResult<$answer> {
                self.1.watch(stringify!($name), self.0.$name($($arg),*), $end).await
            })+
        }
    };
}

counted! {
    prepare() -> (), read;
    register(session: Session) -> Stamped<Write<Session>>, stamped;
    beat(beat: Beat) -> Stamped<Write<Session>>, stamped;
    end_session(end: EndSession) -> Write<Session>, written;
    forget(forget: Forget) -> Write<Session>, written;
    session(id: &SessionId, how: Consistency) -> Option<Session>, read;
    sessions(from: Option<Cursor>, how: Consistency) -> Page<Session>, read;
    wake(id: &SessionId) -> (), read;
    wakeups(id: &SessionId) -> Option<Box<dyn Wakeups>>, read;
    create(lease: Lease) -> Write<Lease>, written;
    lease(key: &LeaseKey) -> Option<Lease>, read;
    leases(from: Option<Cursor>) -> Page<Lease>, read;
    acquire(acquire: Acquire) -> Write<Lease>, written;
    advance(advance: Advance) -> Write<Lease>, written;
    release(release: Release) -> Write<Lease>, written;
    restart(restart: Restart) -> Write<Lease>, written;
    delete(delete: Delete) -> Write<Lease>, written;
    doc(name: &DocName) -> Option<Document>, read;
    put_doc(put: PutDoc) -> Write<Document>, written;
    docs(from: Option<Cursor>) -> Page<Document>, read;
    delete_doc(delete: DeleteDoc) -> Write<Document>, written;
}

/// Notes how each call on a stream ended.
#[derive(Debug)]
pub(crate) struct CountingSource<S>(pub(crate) S, pub(crate) Noted);

#[derive(Debug)]
struct CountingReader(Box<dyn ShardReader>, Noted);

fn said<T>(answer: &SourceResult<T>, done: impl FnOnce(&T) -> String) -> String {
    answer.as_ref().map_or_else(|error| format!("{:?}", error.kind), done)
}

#[async_trait]
impl<S: StreamSource> StreamSource for CountingSource<S> {
    async fn describe(&self) -> SourceResult<StreamDescription> {
        let end = |answer: &SourceResult<_>| said(answer, |_| "done".to_owned());
        self.1.watch("describe", self.0.describe(), end).await
    }

    async fn prepare(&self) -> SourceResult<()> {
        let end = |answer: &SourceResult<_>| said(answer, |()| "done".to_owned());
        self.1.watch("prepare", self.0.prepare(), end).await
    }

    async fn shards(&self) -> SourceResult<Vec<Shard>> {
        let end = |answer: &SourceResult<_>| said(answer, |_| "done".to_owned());
        self.1.watch("shards", self.0.shards(), end).await
    }

    async fn open(
        &self,
        stream: &StreamKey,
        shard: &ShardId,
        at: StartAt,
    ) -> SourceResult<Box<dyn ShardReader>> {
        let end = |answer: &SourceResult<_>| said(answer, |_| "done".to_owned());
        let reader = self.1.watch("open", self.0.open(stream, shard, at), end).await?;
        Ok(Box::new(CountingReader(reader, self.1.clone())))
    }
}

#[async_trait]
impl ShardReader for CountingReader {
    fn size_hint(&self) -> ByteLimit {
        self.0.size_hint()
    }

    async fn next(&mut self, room: ByteLimit) -> SourceResult<ReadEvent> {
        let end = |answer: &SourceResult<ReadEvent>| {
            said(answer, |event| match event {
                ReadEvent::Batch(batch) => {
                    let bytes: usize = batch.records.iter().map(|it| it.data.len()).sum();
                    format!("{} records, {bytes} bytes", batch.records.len())
                }
                ReadEvent::Lost { .. } => "lost".to_owned(),
                ReadEvent::Standstill { .. } => "standstill".to_owned(),
                ReadEvent::End { .. } => "ended".to_owned(),
                other => format!("{other:?}"),
            })
        };
        self.1.watch("next", self.0.next(room), end).await
    }

    async fn ready(&mut self) {
        self.0.ready().await;
    }

    async fn close(self: Box<Self>) {
        let Self(reader, noted) = *self;
        noted.watch("close", reader.close(), |()| "done".to_owned()).await;
    }
}
