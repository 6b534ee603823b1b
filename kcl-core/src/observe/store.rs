//! Wraps a lease store so that the seam gets each of its calls, with outcome and duration, and so
//! that a call can have a deadline.

use std::{future::Future, sync::Arc, thread, time::Duration};

use async_trait::async_trait;

use super::{
    observer::{StoreCallEnd, StoreCallEnded},
    seam::Seam,
};
use crate::{
    env::Time,
    lease::{
        Acquire, Advance, Beat, Delete, DeleteDoc, DocName, Document, EndSession, Forget, Lease,
        LeaseKey, PutDoc, Release, Restart, Session, SessionId, Stamped, Write,
    },
    store::{
        Consistency, Cursor, LeaseStore, Page, StoreError, StoreErrorKind, StoreResult, Wakeups,
    },
};

/// A lease store that reports each call to the seam.
#[derive(Clone, Debug)]
pub(crate) struct WatchedStore {
    inner: Arc<dyn LeaseStore>,
    seam: Seam,
    /// The deadline of all calls, and its distance when it was set, for the event. `None` means no
    /// deadline.
    limit: Option<(Time, Duration)>,
}

impl WatchedStore {
    pub(crate) const fn new(inner: Arc<dyn LeaseStore>, seam: Seam) -> Self {
        Self { inner, seam, limit: None }
    }

    /// Returns the same store with a deadline `span` from now. A call without an answer by then
    /// fails with [`StoreErrorKind::Unknown`].
    pub(crate) fn within(&self, span: Duration) -> Self {
        let limit = Some((self.seam.now() + span, span));
        Self { limit, ..self.clone() }
    }

    /// Makes a call within the deadline, and reports its end.
    async fn watch<T: Answer>(
        &self,
        op: &'static str,
        call: impl Future<Output = StoreResult<T>> + Send,
    ) -> StoreResult<T> {
        let pending = Pending { seam: &self.seam, op, began: self.seam.now(), is_told: false };
        let answer = match self.limit {
            None => call.await,
            Some((until, span)) => tokio::select! {
                biased;
                answer = call => answer,
                () = self.seam.clock().sleep_until(until) => {
                    pending.end(StoreCallEnd::TimedOut(span));
                    let error = StoreError::new(StoreErrorKind::Unknown, op, "the lease store");
                    return Err(error.caused_by(format!("no answer came within {span:?}")));
                }
            },
        };
        pending.end(match &answer {
            Ok(answer) if answer.is_refused() => StoreCallEnd::Refused,
            Ok(_) => StoreCallEnd::Done,
            Err(error) => StoreCallEnd::Failed(error),
        });
        answer
    }
}

/// A call under way. If it is dropped without an end, the call was abandoned or panicked.
struct Pending<'a> {
    seam: &'a Seam,
    op: &'static str,
    began: Time,
    is_told: bool,
}

impl Pending<'_> {
    fn end(mut self, end: StoreCallEnd<'_>) {
        self.tell(end);
    }

    fn tell(&mut self, end: StoreCallEnd<'_>) {
        self.is_told = true;
        let took = self.seam.now().since(self.began);
        self.seam.store_call(&StoreCallEnded { op: self.op, end, took });
    }
}

/// Reports a call whose future was dropped, or which panicked.
impl Drop for Pending<'_> {
    fn drop(&mut self) {
        if self.is_told {
            return;
        }
        let panics = thread::panicking();
        self.tell(if panics { StoreCallEnd::Panicked } else { StoreCallEnd::Abandoned });
    }
}

/// The answer of a call to a store.
trait Answer {
    /// True if it is the refusal of a write.
    fn is_refused(&self) -> bool {
        false
    }
}

impl Answer for () {}
impl<T> Answer for Option<T> {}
impl<T> Answer for Page<T> {}

impl<R> Answer for Write<R> {
    fn is_refused(&self) -> bool {
        !self.is_done()
    }
}

impl<T: Answer> Answer for Stamped<T> {
    fn is_refused(&self) -> bool {
        self.value.is_refused()
    }
}

#[async_trait]
impl LeaseStore for WatchedStore {
    fn application(&self) -> &str {
        self.inner.application()
    }

    fn location(&self) -> String {
        self.inner.location()
    }

    async fn prepare(&self) -> StoreResult<()> {
        self.watch("prepare", self.inner.prepare()).await
    }

    async fn register(&self, session: Session) -> StoreResult<Stamped<Write<Session>>> {
        self.watch("register", self.inner.register(session)).await
    }

    async fn beat(&self, beat: Beat) -> StoreResult<Stamped<Write<Session>>> {
        self.watch("beat", self.inner.beat(beat)).await
    }

    async fn end_session(&self, end: EndSession) -> StoreResult<Write<Session>> {
        self.watch("end_session", self.inner.end_session(end)).await
    }

    async fn forget(&self, forget: Forget) -> StoreResult<Write<Session>> {
        self.watch("forget", self.inner.forget(forget)).await
    }

    async fn session(
        &self,
        id: &SessionId,
        consistency: Consistency,
    ) -> StoreResult<Option<Session>> {
        self.watch("session", self.inner.session(id, consistency)).await
    }

    async fn sessions(
        &self,
        from: Option<Cursor>,
        consistency: Consistency,
    ) -> StoreResult<Page<Session>> {
        self.watch("sessions", self.inner.sessions(from, consistency)).await
    }

    async fn wake(&self, id: &SessionId) -> StoreResult<()> {
        self.watch("wake", self.inner.wake(id)).await
    }

    async fn wakeups(&self, id: &SessionId) -> StoreResult<Option<Box<dyn Wakeups>>> {
        self.watch("wakeups", self.inner.wakeups(id)).await
    }

    async fn create(&self, lease: Lease) -> StoreResult<Write<Lease>> {
        self.watch("create", self.inner.create(lease)).await
    }

    async fn lease(&self, key: &LeaseKey) -> StoreResult<Option<Lease>> {
        self.watch("lease", self.inner.lease(key)).await
    }

    async fn leases(&self, from: Option<Cursor>) -> StoreResult<Page<Lease>> {
        self.watch("leases", self.inner.leases(from)).await
    }

    async fn acquire(&self, acquire: Acquire) -> StoreResult<Write<Lease>> {
        self.watch("acquire", self.inner.acquire(acquire)).await
    }

    async fn advance(&self, advance: Advance) -> StoreResult<Write<Lease>> {
        self.watch("advance", self.inner.advance(advance)).await
    }

    async fn release(&self, release: Release) -> StoreResult<Write<Lease>> {
        self.watch("release", self.inner.release(release)).await
    }

    async fn restart(&self, restart: Restart) -> StoreResult<Write<Lease>> {
        self.watch("restart", self.inner.restart(restart)).await
    }

    async fn delete(&self, delete: Delete) -> StoreResult<Write<Lease>> {
        self.watch("delete", self.inner.delete(delete)).await
    }

    async fn doc(&self, name: &DocName) -> StoreResult<Option<Document>> {
        self.watch("doc", self.inner.doc(name)).await
    }

    async fn put_doc(&self, put: PutDoc) -> StoreResult<Write<Document>> {
        self.watch("put_doc", self.inner.put_doc(put)).await
    }

    async fn docs(&self, from: Option<Cursor>) -> StoreResult<Page<Document>> {
        self.watch("docs", self.inner.docs(from)).await
    }

    async fn delete_doc(&self, delete: DeleteDoc) -> StoreResult<Write<Document>> {
        self.watch("delete_doc", self.inner.delete_doc(delete)).await
    }
}
