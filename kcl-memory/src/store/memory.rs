//! The store itself: every operation is its rule.

use std::sync::Arc;

use async_trait::async_trait;
use kcl_core::{
    lease::{
        Acquire, Advance, Beat, Delete, DeleteDoc, DocName, Document, EndSession, Forget, Lease,
        LeaseKey, PutDoc, Release, Restart, Session, SessionId, Stamped, Write, rules,
    },
    store::{
        Consistency, Cursor, LeaseStore, Page, StoreError, StoreErrorKind, StoreResult, Wakeups,
    },
};

use super::{
    rows::Row,
    server::{
        Change::{self, Put, Remove},
        MemoryServer,
    },
};

/// The lease store of one application, in memory. Clones share the state; so do all stores of one
/// application on one [`MemoryServer`]. It is gone with the process.
///
/// Every read is consistent, no operation fails by itself, and wake-ups are pushed. Put
/// [`crate::Faulty`] before it for anything worse.
#[derive(Clone, Debug)]
pub struct MemoryStore {
    server: MemoryServer,
    application: Arc<str>,
}

impl MemoryStore {
    /// The store of `application` on a server of its own, which tells the time of this machine.
    #[must_use]
    pub fn new(application: &str) -> Self {
        Self::on(MemoryServer::new(), application)
    }

    fn on(server: MemoryServer, application: &str) -> Self {
        Self { server, application: application.into() }
    }

    /// The server behind the store.
    #[must_use]
    pub const fn server(&self) -> &MemoryServer {
        &self.server
    }

    fn write<R: Row>(
        &self,
        key: &R::Key,
        change: Change,
        rule: impl FnOnce(Option<&R>) -> Write<R>,
    ) -> Stamped<Write<R>> {
        self.server.write(&self.application, key, change, rule)
    }

    fn read<R: Row>(&self, key: &R::Key) -> Option<R> {
        self.server.read(&self.application, key)
    }

    fn page<R: Row>(&self, op: &'static str, from: Option<Cursor>) -> StoreResult<Page<R>> {
        self.server.page(&self.application, from.as_ref()).ok_or_else(|| {
            let cursor = from.map_or_else(String::new, |cursor| cursor.0);
            StoreError::new(StoreErrorKind::Misconfigured, op, cursor)
                .caused_by("the cursor is of another listing")
        })
    }
}

impl MemoryServer {
    /// The store of `application` on this server.
    #[must_use]
    pub fn store(&self, application: &str) -> MemoryStore {
        MemoryStore::on(self.clone(), application)
    }
}

#[async_trait]
impl LeaseStore for MemoryStore {
    fn application(&self) -> &str {
        &self.application
    }

    fn location(&self) -> String {
        format!("memory://{}", self.application)
    }

    async fn prepare(&self) -> StoreResult<()> {
        Ok(())
    }

    async fn register(&self, session: Session) -> StoreResult<Stamped<Write<Session>>> {
        Ok(self.write(&session.id, Put, |row| rules::register(row, &session)))
    }

    async fn beat(&self, beat: Beat) -> StoreResult<Stamped<Write<Session>>> {
        Ok(self.write(&beat.session, Put, |row| rules::beat(row, &beat)))
    }

    async fn end_session(&self, end: EndSession) -> StoreResult<Write<Session>> {
        Ok(self.write(&end.session, Put, |row| rules::end_session(row, &end)).value)
    }

    async fn forget(&self, forget: Forget) -> StoreResult<Write<Session>> {
        Ok(self.write(&forget.session, Remove, |row| rules::forget(row, &forget)).value)
    }

    async fn session(&self, id: &SessionId, _: Consistency) -> StoreResult<Option<Session>> {
        Ok(self.read(id))
    }

    async fn sessions(&self, from: Option<Cursor>, _: Consistency) -> StoreResult<Page<Session>> {
        self.page("sessions", from)
    }

    async fn wake(&self, id: &SessionId) -> StoreResult<()> {
        self.server.write_and_tell(&self.application, id, rules::wake);
        Ok(())
    }

    async fn wakeups(&self, id: &SessionId) -> StoreResult<Option<Box<dyn Wakeups>>> {
        let wakeups = self.server.listen(&self.application, id);
        Ok(wakeups.map(|wakeups| Box::new(wakeups) as Box<dyn Wakeups>))
    }

    async fn create(&self, lease: Lease) -> StoreResult<Write<Lease>> {
        Ok(self.write(&lease.key, Put, |row| rules::create(row, &lease)).value)
    }

    async fn lease(&self, key: &LeaseKey) -> StoreResult<Option<Lease>> {
        Ok(self.read(key))
    }

    async fn leases(&self, from: Option<Cursor>) -> StoreResult<Page<Lease>> {
        self.page("leases", from)
    }

    async fn acquire(&self, acquire: Acquire) -> StoreResult<Write<Lease>> {
        Ok(self.write(&acquire.key, Put, |row| rules::acquire(row, &acquire)).value)
    }

    async fn advance(&self, advance: Advance) -> StoreResult<Write<Lease>> {
        Ok(self.write(&advance.key, Put, |row| rules::advance(row, &advance)).value)
    }

    async fn release(&self, release: Release) -> StoreResult<Write<Lease>> {
        Ok(self.write(&release.key, Put, |row| rules::release(row, &release)).value)
    }

    async fn restart(&self, restart: Restart) -> StoreResult<Write<Lease>> {
        Ok(self.write(&restart.key, Put, |row| rules::restart(row, &restart)).value)
    }

    async fn delete(&self, delete: Delete) -> StoreResult<Write<Lease>> {
        Ok(self.write(&delete.key, Remove, |row| rules::delete(row, &delete)).value)
    }

    async fn doc(&self, name: &DocName) -> StoreResult<Option<Document>> {
        Ok(self.read(name))
    }

    /// Refuses what no store could keep, in the words that a server has for it.
    async fn put_doc(&self, put: PutDoc) -> StoreResult<Write<Document>> {
        let (size, limit) = (put.body.len(), Document::MAX_BODY);
        if size > limit {
            let cause = format!("its body has {size} bytes, and may have {limit}");
            let error =
                StoreError::new(StoreErrorKind::Misconfigured, "put_doc", put.name.as_str());
            return Err(error.caused_by(cause));
        }
        Ok(self.write(&put.name, Put, |row| rules::put_doc(row, &put)).value)
    }

    async fn docs(&self, from: Option<Cursor>) -> StoreResult<Page<Document>> {
        self.page("docs", from)
    }

    async fn delete_doc(&self, delete: DeleteDoc) -> StoreResult<Write<Document>> {
        Ok(self.write(&delete.name, Remove, |row| rules::delete_doc(row, &delete)).value)
    }
}
