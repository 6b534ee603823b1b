//! The store: sends each operation of [`LeaseStore`] as one script with the conditions and changes
//! from [`crate::rules`].

use std::fmt;

use async_trait::async_trait;
use kcl_core::{
    lease::{
        Acquire, Advance, Beat, Delete, DeleteDoc, DocName, Document, EndSession, Forget, Lease,
        LeaseKey, PutDoc, Release, Restart, Session, SessionId, Stamped, Write,
    },
    store::{Consistency, Cursor, LeaseStore, Page, StoreResult, Wakeups, codec::Row},
};

use crate::{rows::Rows, rules, server::CommandClass, wakeups::RedisWakeups};

/// The lease store of one application, in a Redis or Valkey server or cluster.
///
/// The store's time is the server's `TIME`; the generation is its replication id. Wake-ups are
/// pushed. Reads of both consistencies go to the primary.
pub struct RedisStore {
    application: String,
    rows: Rows,
}

impl RedisStore {
    /// Deletes the key of the layout's version, which is the last key of an application after its
    /// rows are deleted. [`LeaseStore::prepare`] writes it again. It needs the permission `del`
    /// beside those of a worker.
    ///
    /// # Errors
    /// The error of the server.
    pub async fn remove_layout(&self) -> StoreResult<()> {
        self.rows.remove_layout().await
    }

    pub(crate) const fn assemble(application: String, rows: Rows) -> Self {
        Self { application, rows }
    }
}

#[async_trait]
impl LeaseStore for RedisStore {
    fn application(&self) -> &str {
        &self.application
    }

    fn location(&self) -> String {
        self.rows.location.clone()
    }

    async fn prepare(&self) -> StoreResult<()> {
        self.rows.prepare().await
    }

    async fn register(&self, session: Session) -> StoreResult<Stamped<Write<Session>>> {
        self.rows.put_stamped("register", &session).await
    }

    async fn beat(&self, beat: Beat) -> StoreResult<Stamped<Write<Session>>> {
        self.rows.update_stamped("beat", &beat.session, rules::beat(&beat)).await
    }

    async fn end_session(&self, end: EndSession) -> StoreResult<Write<Session>> {
        let change = rules::end_session(&end);
        self.rows.update("end_session", &end.session, &change, CommandClass::Other).await
    }

    async fn forget(&self, forget: Forget) -> StoreResult<Write<Session>> {
        self.rows.remove("forget", &forget.session, &rules::forget(), CommandClass::Other).await
    }

    async fn session(&self, id: &SessionId, _: Consistency) -> StoreResult<Option<Session>> {
        self.rows.get("session", id).await
    }

    async fn sessions(&self, from: Option<Cursor>, _: Consistency) -> StoreResult<Page<Session>> {
        self.rows.page("sessions", from).await
    }

    async fn wake(&self, id: &SessionId) -> StoreResult<()> {
        let sharded = self.rows.server.nodes.are_clustered();
        let change = rules::wake(self.rows.keys.channel(&Session::key_text(id)), sharded);
        // A refusal means that the session has no row or has ended.
        self.rows.update::<Session>("wake", id, &change, CommandClass::Other).await.map(drop)
    }

    async fn wakeups(&self, id: &SessionId) -> StoreResult<Option<Box<dyn Wakeups>>> {
        let wakeups = RedisWakeups::open(&self.rows, &Session::key_text(id)).await?;
        Ok(Some(Box::new(wakeups)))
    }

    async fn create(&self, lease: Lease) -> StoreResult<Write<Lease>> {
        self.rows.put("create", &lease, CommandClass::Claim).await
    }

    async fn lease(&self, key: &LeaseKey) -> StoreResult<Option<Lease>> {
        self.rows.get("lease", key).await
    }

    async fn leases(&self, from: Option<Cursor>) -> StoreResult<Page<Lease>> {
        self.rows.page("leases", from).await
    }

    async fn acquire(&self, acquire: Acquire) -> StoreResult<Write<Lease>> {
        let change = rules::acquire(&acquire);
        self.rows.update("acquire", &acquire.key, &change, CommandClass::Claim).await
    }

    async fn advance(&self, advance: Advance) -> StoreResult<Write<Lease>> {
        let change = rules::advance(&advance);
        let weight =
            if advance.checkpoint.is_end() { CommandClass::Claim } else { CommandClass::Other };
        self.rows.update("advance", &advance.key, &change, weight).await
    }

    async fn release(&self, release: Release) -> StoreResult<Write<Lease>> {
        let change = rules::release(&release);
        self.rows.update("release", &release.key, &change, CommandClass::Claim).await
    }

    async fn restart(&self, restart: Restart) -> StoreResult<Write<Lease>> {
        let change = rules::restart(&restart);
        self.rows.update("restart", &restart.key, &change, CommandClass::Claim).await
    }

    async fn delete(&self, delete: Delete) -> StoreResult<Write<Lease>> {
        self.rows.remove("delete", &delete.key, &rules::delete(&delete), CommandClass::Claim).await
    }

    async fn doc(&self, name: &DocName) -> StoreResult<Option<Document>> {
        self.rows.get("doc", name).await
    }

    async fn put_doc(&self, put: PutDoc) -> StoreResult<Write<Document>> {
        let PutDoc { name, seen, body, .. } = put;
        match seen {
            None => {
                let first = Document::new(name, 1, body);
                self.rows.put("put_doc", &first, CommandClass::Claim).await
            }
            Some(seen) => {
                let change = rules::put_doc(seen, body);
                self.rows.update("put_doc", &name, &change, CommandClass::Claim).await
            }
        }
    }

    async fn docs(&self, from: Option<Cursor>) -> StoreResult<Page<Document>> {
        self.rows.page("docs", from).await
    }

    async fn delete_doc(&self, delete: DeleteDoc) -> StoreResult<Write<Document>> {
        let change = rules::delete_doc(&delete);
        self.rows.remove("delete_doc", &delete.name, &change, CommandClass::Claim).await
    }
}

/// Shows the application and the server's address, without credentials.
impl fmt::Debug for RedisStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisStore")
            .field("application", &self.application)
            .field("location", &self.rows.location)
            .finish_non_exhaustive()
    }
}
