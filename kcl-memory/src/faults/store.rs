//! The decorator.

use std::{fmt, future::Future, pin::Pin, sync::Arc};

use async_trait::async_trait;
use kcl_core::{
    env::Env,
    lease::{
        Acquire, Advance, Beat, Delete, DeleteDoc, DocName, Document, EndSession, Forget, Lease,
        LeaseKey, PutDoc, Release, Restart, Session, SessionId, Stamped, Write,
    },
    store::{
        Consistency, Cursor, LeaseStore, Page, StoreError, StoreErrorKind, StoreResult, Wakeups,
    },
};
use tokio::sync::oneshot;

use super::{Call, CallKind, Outcome, Policy, recent::Recent};

/// A lease store behind a network that misbehaves as its policy says.
///
/// Every write travels by itself: once called it lands after its delay, also if the caller drops
/// the future. Time and tasks come from the environment, so that a paused or simulated run decides
/// every interleaving.
pub struct Faulty<S: ?Sized> {
    inner: Arc<S>,
    env: Env,
    policy: Policy,
    sessions: Recent<Option<Session>>,
    listings: Recent<Page<Session>>,
}

type Reply<A> = Pin<Box<dyn Future<Output = StoreResult<A>> + Send>>;

impl<S: LeaseStore + ?Sized> Faulty<S> {
    /// Puts `policy` before `inner`, with the clock and the spawner of `env`.
    #[must_use]
    pub fn new(inner: Arc<S>, env: Env, policy: Policy) -> Self {
        let (sessions, listings) = (Recent::default(), Recent::default());
        Self { inner, env, policy, sessions, listings }
    }

    /// Sends a write on its way.
    async fn write<A: Send + 'static>(
        &self,
        op: &'static str,
        key: impl Into<String>,
        apply: impl Fn(Arc<S>) -> Reply<A> + Send + 'static,
    ) -> StoreResult<A> {
        let call = Call::new(op, CallKind::Write, key);
        let fate = (self.policy)(&call);
        let clock = &self.env.clock;
        let outcome = fate.outcome;
        if let Outcome::Refused(kind) = outcome {
            clock.sleep(fate.before + fate.after).await;
            return Err(failed(kind, &call));
        }
        let (answer, answered) = oneshot::channel();
        let (inner, travel) = (self.inner.clone(), clock.clone());
        let errand = async move {
            let delay = if let Outcome::Late(more) = outcome { more } else { Default::default() };
            travel.sleep(fate.before + delay).await;
            // Nobody listens any more if the caller gave up: the write has landed all the same.
            let _ = answer.send(apply(inner.clone()).await);
            if let Outcome::Duplicated(later) = outcome {
                travel.sleep(later).await;
                let _ = apply(inner).await;
            }
        };
        drop(self.env.spawner.spawn("faulty-write", Box::pin(errand)));
        if let Outcome::Late(_) = outcome {
            clock.sleep(fate.before + fate.after).await;
            return Err(failed(StoreErrorKind::Unknown, &call));
        }
        let answer = answered.await;
        clock.sleep(fate.after).await;
        match answer {
            Ok(answer) if outcome != Outcome::ReplyLost => answer,
            _ => Err(failed(StoreErrorKind::Unknown, &call)),
        }
    }

    /// Reads; `past` gives what a stale answer would be.
    async fn read<A>(
        &self,
        call: Call,
        past: impl FnOnce() -> Option<A> + Send,
        look: impl Future<Output = StoreResult<A>> + Send,
    ) -> StoreResult<A>
    where
        A: Send,
    {
        let fate = (self.policy)(&call);
        self.env.clock.sleep(fate.before).await;
        let answer = match fate.outcome {
            Outcome::Refused(kind) => Err(failed(kind, &call)),
            Outcome::ReplyLost | Outcome::Late(_) => {
                Err(failed(StoreErrorKind::Unavailable, &call))
            }
            Outcome::Stale if call.kind == CallKind::EventualRead => match past() {
                Some(answer) => Ok(answer),
                None => look.await,
            },
            Outcome::Served | Outcome::Duplicated(_) | Outcome::Stale => look.await,
        };
        self.env.clock.sleep(fate.after).await;
        answer
    }
}

fn failed(kind: StoreErrorKind, call: &Call) -> StoreError {
    StoreError::new(kind, call.op, call.key.clone()).caused_by("a fault put there on purpose")
}

const fn read_kind(consistency: Consistency) -> CallKind {
    match consistency {
        Consistency::Eventual => CallKind::EventualRead,
        Consistency::Strong => CallKind::Read,
    }
}

/// A write that hands a clone of its command to the inner store.
macro_rules! write {
    ($self:ident.$op:ident($command:ident), $key:expr) => {{
        let key = $key;
        let apply = move |store: Arc<S>| -> Reply<_> {
            let command = $command.clone();
            Box::pin(async move { store.$op(command).await })
        };
        $self.write(stringify!($op), key, apply).await
    }};
}

#[async_trait]
impl<S: LeaseStore + ?Sized> LeaseStore for Faulty<S> {
    fn application(&self) -> &str {
        self.inner.application()
    }

    fn location(&self) -> String {
        self.inner.location()
    }

    async fn prepare(&self) -> StoreResult<()> {
        let call = Call::new("prepare", CallKind::Setup, "");
        self.read(call, || None, self.inner.prepare()).await
    }

    async fn register(&self, session: Session) -> StoreResult<Stamped<Write<Session>>> {
        write!(self.register(session), session.id.key())
    }

    async fn beat(&self, beat: Beat) -> StoreResult<Stamped<Write<Session>>> {
        write!(self.beat(beat), beat.session.key())
    }

    async fn end_session(&self, end: EndSession) -> StoreResult<Write<Session>> {
        write!(self.end_session(end), end.session.key())
    }

    async fn forget(&self, forget: Forget) -> StoreResult<Write<Session>> {
        write!(self.forget(forget), forget.session.key())
    }

    async fn session(
        &self,
        id: &SessionId,
        consistency: Consistency,
    ) -> StoreResult<Option<Session>> {
        let key = id.key();
        let look = self.inner.session(id, consistency);
        let call = Call::new("session", read_kind(consistency), key.clone());
        let row = self.read(call, || self.sessions.last(&key), look).await?;
        self.sessions.keep(&key, row.clone());
        Ok(row)
    }

    async fn sessions(
        &self,
        from: Option<Cursor>,
        consistency: Consistency,
    ) -> StoreResult<Page<Session>> {
        let start = from.as_ref().map_or_else(String::new, |cursor| cursor.0.clone());
        let look = self.inner.sessions(from, consistency);
        let call = Call::new("sessions", read_kind(consistency), "");
        let page = self.read(call, || self.listings.last(&start), look).await?;
        self.listings.keep(&start, page.clone());
        Ok(page)
    }

    async fn wake(&self, id: &SessionId) -> StoreResult<()> {
        let (key, id) = (id.key(), id.clone());
        let apply = move |store: Arc<S>| -> Reply<()> {
            let id = id.clone();
            Box::pin(async move { store.wake(&id).await })
        };
        self.write("wake", key, apply).await
    }

    async fn wakeups(&self, id: &SessionId) -> StoreResult<Option<Box<dyn Wakeups>>> {
        let call = Call::new("wakeups", CallKind::Setup, id.key());
        self.read(call, || None, self.inner.wakeups(id)).await
    }

    async fn create(&self, lease: Lease) -> StoreResult<Write<Lease>> {
        write!(self.create(lease), lease.key.as_str().to_owned())
    }

    async fn lease(&self, key: &LeaseKey) -> StoreResult<Option<Lease>> {
        let call = Call::new("lease", CallKind::Read, key.as_str());
        self.read(call, || None, self.inner.lease(key)).await
    }

    async fn leases(&self, from: Option<Cursor>) -> StoreResult<Page<Lease>> {
        let call = Call::new("leases", CallKind::Read, "");
        self.read(call, || None, self.inner.leases(from)).await
    }

    async fn acquire(&self, acquire: Acquire) -> StoreResult<Write<Lease>> {
        write!(self.acquire(acquire), acquire.key.as_str().to_owned())
    }

    async fn advance(&self, advance: Advance) -> StoreResult<Write<Lease>> {
        write!(self.advance(advance), advance.key.as_str().to_owned())
    }

    async fn release(&self, release: Release) -> StoreResult<Write<Lease>> {
        write!(self.release(release), release.key.as_str().to_owned())
    }

    async fn restart(&self, restart: Restart) -> StoreResult<Write<Lease>> {
        write!(self.restart(restart), restart.key.as_str().to_owned())
    }

    async fn delete(&self, delete: Delete) -> StoreResult<Write<Lease>> {
        write!(self.delete(delete), delete.key.as_str().to_owned())
    }

    async fn doc(&self, name: &DocName) -> StoreResult<Option<Document>> {
        let call = Call::new("doc", CallKind::Read, name.as_str());
        self.read(call, || None, self.inner.doc(name)).await
    }

    async fn put_doc(&self, put: PutDoc) -> StoreResult<Write<Document>> {
        write!(self.put_doc(put), put.name.as_str().to_owned())
    }

    async fn docs(&self, from: Option<Cursor>) -> StoreResult<Page<Document>> {
        let call = Call::new("docs", CallKind::Read, "");
        self.read(call, || None, self.inner.docs(from)).await
    }

    async fn delete_doc(&self, delete: DeleteDoc) -> StoreResult<Write<Document>> {
        write!(self.delete_doc(delete), delete.name.as_str().to_owned())
    }
}

impl<S: fmt::Debug + ?Sized> fmt::Debug for Faulty<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Faulty").field("inner", &&self.inner).finish_non_exhaustive()
    }
}
