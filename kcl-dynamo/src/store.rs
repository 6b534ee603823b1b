//! The store: sends each operation of [`LeaseStore`] as one request, with the conditions and
//! changes from [`crate::rules`].

use std::{
    fmt,
    sync::{Mutex, PoisonError},
};

use async_trait::async_trait;
use kcl_core::{
    lease::{
        Acquire, Advance, Beat, Delete, DeleteDoc, DocName, Document, EndSession, Forget,
        Generation, Lease, LeaseKey, PutDoc, Release, Restart, Session, SessionId, Stamp, Stamped,
        Write,
    },
    store::{Consistency, Cursor, LeaseStore, Page, StoreResult, Wakeups},
};

use crate::{connection::Connection, creation::Creation, rules, table::Table};

/// The lease store of one application, in a DynamoDB table.
///
/// The store's time is the `Date` header of the answers, in whole seconds. The generation changes
/// when the table is deleted and created again. The store does not push wake-ups.
pub struct DynamoStore {
    table: Table,
    /// The properties of the table, in case `prepare` has to create it.
    creation: Creation,
}

impl DynamoStore {
    /// Makes a store from its parts. Connects to nothing.
    pub(crate) fn assemble(
        application: String,
        table: String,
        connection: Connection,
        creation: Creation,
    ) -> Self {
        let place = connection.place();
        let table = Table { application, name: table, place, connection, life: Mutex::default() };
        Self { table, creation }
    }

    /// The table's name.
    #[must_use]
    pub fn table_name(&self) -> &str {
        &self.table.name
    }

    /// The life of the table, as it was last read.
    fn life(&self) -> Generation {
        self.table.life.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Adds the server's time and the life of the table to an answer.
    fn stamped<T>(&self, value: T, generation: Generation) -> Stamped<T> {
        Stamped { value, stamp: Stamp::new(self.table.connection.clock.now(), generation) }
    }
}

#[async_trait]
impl LeaseStore for DynamoStore {
    fn application(&self) -> &str {
        &self.table.application
    }

    fn location(&self) -> String {
        format!("dynamodb://{}", self.table.name)
    }

    async fn prepare(&self) -> StoreResult<()> {
        self.table.prepare(&self.creation).await
    }

    async fn register(&self, session: Session) -> StoreResult<Stamped<Write<Session>>> {
        let answer = self.table.put("register", session, rules::absent()).await?;
        Ok(self.stamped(answer, self.life()))
    }

    async fn beat(&self, beat: Beat) -> StoreResult<Stamped<Write<Session>>> {
        // Read before the call: another call may note another life before the answer arrives.
        let life = self.life();
        let answer = self.table.update("beat", &beat.session, rules::beat(&beat)).await?;
        // A session without a row: the table may be another one now, with another life.
        if matches!(answer, Write::Refused(None)) {
            self.table.look_at_life().await?;
            return Ok(self.stamped(answer, self.life()));
        }
        Ok(self.stamped(answer, life))
    }

    async fn end_session(&self, end: EndSession) -> StoreResult<Write<Session>> {
        self.table.update("end_session", &end.session, rules::end_session(&end)).await
    }

    async fn forget(&self, forget: Forget) -> StoreResult<Write<Session>> {
        self.table.remove("forget", &forget.session, rules::forget()).await
    }

    async fn session(
        &self,
        id: &SessionId,
        consistency: Consistency,
    ) -> StoreResult<Option<Session>> {
        self.table.get("session", id, consistency).await
    }

    async fn sessions(
        &self,
        from: Option<Cursor>,
        consistency: Consistency,
    ) -> StoreResult<Page<Session>> {
        self.table.query("sessions", from, consistency).await
    }

    async fn wake(&self, id: &SessionId) -> StoreResult<()> {
        // A refusal means that the session has no row or has ended: no worker is left to wake.
        let _: Write<Session> = self.table.update("wake", id, rules::wake()).await?;
        Ok(())
    }

    async fn wakeups(&self, _: &SessionId) -> StoreResult<Option<Box<dyn Wakeups>>> {
        // DynamoDB has no channel to push through: workers poll their mailbox.
        Ok(None)
    }

    async fn create(&self, lease: Lease) -> StoreResult<Write<Lease>> {
        self.table.put("create", lease, rules::absent()).await
    }

    async fn lease(&self, key: &LeaseKey) -> StoreResult<Option<Lease>> {
        self.table.get("lease", key, Consistency::Strong).await
    }

    async fn leases(&self, from: Option<Cursor>) -> StoreResult<Page<Lease>> {
        self.table.query("leases", from, Consistency::Strong).await
    }

    async fn acquire(&self, acquire: Acquire) -> StoreResult<Write<Lease>> {
        self.table.update("acquire", &acquire.key, rules::acquire(&acquire)).await
    }

    async fn advance(&self, advance: Advance) -> StoreResult<Write<Lease>> {
        self.table.update("advance", &advance.key, rules::advance(&advance)).await
    }

    async fn release(&self, release: Release) -> StoreResult<Write<Lease>> {
        self.table.update("release", &release.key, rules::release(&release)).await
    }

    async fn restart(&self, restart: Restart) -> StoreResult<Write<Lease>> {
        self.table.update("restart", &restart.key, rules::restart(&restart)).await
    }

    async fn delete(&self, delete: Delete) -> StoreResult<Write<Lease>> {
        self.table.remove("delete", &delete.key, rules::delete(&delete)).await
    }

    async fn doc(&self, name: &DocName) -> StoreResult<Option<Document>> {
        self.table.get("doc", name, Consistency::Strong).await
    }

    async fn put_doc(&self, put: PutDoc) -> StoreResult<Write<Document>> {
        let condition = rules::put_doc(&put);
        // The first version of a document is 1.
        let version = put.seen.map_or(1, |seen| seen.saturating_add(1));
        let document = Document::new(put.name, version, put.body);
        self.table.put("put_doc", document, condition).await
    }

    async fn docs(&self, from: Option<Cursor>) -> StoreResult<Page<Document>> {
        self.table.query("docs", from, Consistency::Strong).await
    }

    async fn delete_doc(&self, delete: DeleteDoc) -> StoreResult<Write<Document>> {
        self.table.remove("delete_doc", &delete.name, rules::delete_doc(&delete)).await
    }
}

impl fmt::Debug for DynamoStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DynamoStore")
            .field("application", &self.table.application)
            .field("table", &self.table.name)
            .finish_non_exhaustive()
    }
}
