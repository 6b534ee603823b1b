//! The store: sends each operation of [`LeaseStore`] as one statement of [`crate::statements`].

use std::fmt;

use async_trait::async_trait;
use kcl_core::{
    lease::{
        Acquire, Advance, Beat, Delete, DeleteDoc, DocName, Document, EndSession, Forget, Lease,
        LeaseKey, PutDoc, Release, Restart, Session, SessionId, Stamped, Write,
    },
    store::{Consistency, Cursor, LeaseStore, Page, StoreResult, Wakeups},
};
use sqlx::postgres::PgConnectOptions;

use crate::{
    coalesce::Coalescer,
    connections::{Connections, PoolKind},
    error::Effect,
    layout::{MIGRATIONS, Schema},
    statements,
    table::Tables,
    wakeups::{Channel, listen},
};

/// The lease store of one application, in a schema of a PostgreSQL database.
///
/// The store's time is the server's clock, in milliseconds. The generation is the server's timeline
/// with the object id of the session table, which changes when the table is dropped and created
/// again. Wake-ups are pushed by `LISTEN` and `NOTIFY`.
pub struct PostgresStore {
    pub(crate) tables: Tables,
    coalescer: Coalescer,
    /// The options of the user, without the settings of the store's own connections.
    pub(crate) options: PgConnectOptions,
}

impl PostgresStore {
    pub(crate) fn assemble(
        application: String,
        schema: Schema,
        connections: Connections,
        options: PgConnectOptions,
    ) -> Self {
        let tables = Tables { application, schema, connections };
        Self { tables, coalescer: Coalescer::default(), options }
    }

    /// The SQL that makes or migrates the schema and its tables, for an administrator to run if
    /// workers may not. It suits a schema of any earlier layout. The workers' role needs its
    /// permissions afterwards (see the [crate documentation](crate#permissions)).
    #[must_use]
    pub fn schema_sql(&self) -> String {
        let schema = &self.tables.schema;
        let mut sql = format!("create schema if not exists {schema};\n\n");
        for migration in MIGRATIONS {
            sql.push_str(&schema.sql(migration));
        }
        sql
    }
}

/// Shows no password.
impl fmt::Debug for PostgresStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresStore")
            .field("application", &self.tables.application)
            .field("location", &self.location())
            .finish_non_exhaustive()
    }
}

#[async_trait]
impl LeaseStore for PostgresStore {
    fn application(&self) -> &str {
        &self.tables.application
    }

    fn location(&self) -> String {
        let schema = self.tables.schema.name();
        format!("{}?schema={schema}", self.tables.connections.address())
    }

    async fn prepare(&self) -> StoreResult<()> {
        self.tables.prepare().await
    }

    async fn register(&self, session: Session) -> StoreResult<Stamped<Write<Session>>> {
        self.tables.stamped_insert("register", session).await
    }

    async fn beat(&self, beat: Beat) -> StoreResult<Stamped<Write<Session>>> {
        self.tables.stamped_write("beat", &beat.session, statements::beat(&beat)).await
    }

    async fn end_session(&self, end: EndSession) -> StoreResult<Write<Session>> {
        self.tables.write("end_session", &end.session, statements::end_session(&end)).await
    }

    async fn forget(&self, forget: Forget) -> StoreResult<Write<Session>> {
        self.tables.write("forget", &forget.session, statements::forget()).await
    }

    async fn session(&self, id: &SessionId, _: Consistency) -> StoreResult<Option<Session>> {
        self.tables.get("session", id).await
    }

    async fn sessions(&self, from: Option<Cursor>, _: Consistency) -> StoreResult<Page<Session>> {
        self.tables.list("sessions", from).await
    }

    async fn wake(&self, id: &SessionId) -> StoreResult<()> {
        let key = id.key();
        let call = self.tables.call("wake", &key, Effect::Writes);
        let wake = statements::wake(Channel::of(id).to_string());
        self.tables.send(call, PoolKind::Work, wake, "").await.map(drop)
    }

    async fn wakeups(&self, id: &SessionId) -> StoreResult<Option<Box<dyn Wakeups>>> {
        listen(&self.tables, id).await.map(Some)
    }

    async fn create(&self, lease: Lease) -> StoreResult<Write<Lease>> {
        self.tables.insert("create", lease).await
    }

    async fn lease(&self, key: &LeaseKey) -> StoreResult<Option<Lease>> {
        self.tables.get("lease", key).await
    }

    async fn leases(&self, from: Option<Cursor>) -> StoreResult<Page<Lease>> {
        self.tables.list("leases", from).await
    }

    async fn acquire(&self, acquire: Acquire) -> StoreResult<Write<Lease>> {
        self.tables.write("acquire", &acquire.key, statements::acquire(&acquire)).await
    }

    async fn advance(&self, advance: Advance) -> StoreResult<Write<Lease>> {
        self.coalescer.advance(&self.tables, advance).await
    }

    async fn release(&self, release: Release) -> StoreResult<Write<Lease>> {
        self.tables.write("release", &release.key, statements::release(&release)).await
    }

    async fn restart(&self, restart: Restart) -> StoreResult<Write<Lease>> {
        self.tables.write("restart", &restart.key, statements::restart(&restart)).await
    }

    async fn delete(&self, delete: Delete) -> StoreResult<Write<Lease>> {
        self.tables.write("delete", &delete.key, statements::delete(&delete)).await
    }

    async fn doc(&self, name: &DocName) -> StoreResult<Option<Document>> {
        self.tables.get("doc", name).await
    }

    async fn put_doc(&self, put: PutDoc) -> StoreResult<Write<Document>> {
        self.tables.write("put_doc", &put.name, statements::put_doc(&put)).await
    }

    async fn docs(&self, from: Option<Cursor>) -> StoreResult<Page<Document>> {
        self.tables.list_long("docs", from).await
    }

    async fn delete_doc(&self, delete: DeleteDoc) -> StoreResult<Write<Document>> {
        self.tables.write("delete_doc", &delete.name, statements::delete_doc(&delete)).await
    }
}
