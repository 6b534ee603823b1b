//! Prepares the schema: makes or migrates its tables, and checks the permissions of the role.
//!
//! A worker prepares at its start, and again when a call finds the schema missing. If everything is
//! in place, that costs two statements.

use std::time::Duration;

use kcl_core::{
    env::Env,
    store::{StoreError, StoreErrorKind, StoreResult},
};
use sqlx::{AssertSqlSafe, Connection, PgConnection, Row};

use crate::{
    connections::{Connections, PoolKind, statement},
    deadline::within,
    error::{Call, Effect, PREPARE as OP},
    layout::{MIGRATIONS, VERSION, WRITTEN},
    table::Tables,
};

/// The time that a migration may take, including the wait for another worker's.
const PATIENCE: Duration = Duration::from_secs(60);
/// The time that a migration waits for the lock of a table. All later users of the table, beats
/// included, wait behind a waiting migration, so this is shorter than the default statement
/// timeout.
const LOCK_PATIENCE: Duration = Duration::from_millis(300);

impl Tables {
    /// Makes or migrates the schema if it is missing or older than this release's layout, and
    /// checks the permissions of the role.
    pub(crate) async fn prepare(&self) -> StoreResult<()> {
        let mut found = self.found().await?;
        if found.is_none_or(|version| version < VERSION) {
            self.migrate().await?;
            found = self.found().await?;
        }
        match found {
            Some(version) => self.check(version),
            None => Err(self.unprepared(
                StoreErrorKind::Misconfigured,
                "the schema was made and is not there: do the servers of this address differ?",
            )),
        }
    }

    fn unprepared(&self, kind: StoreErrorKind, why: impl Into<String>) -> StoreError {
        self.call(OP, "", Effect::Reads).error(kind, why)
    }

    /// The version of the layout; `None` if the schema or its layout table is missing.
    ///
    /// # Errors
    /// [`StoreErrorKind::Denied`] with the missing permissions and the `grant`s that give them;
    /// the error about a server that takes no writes.
    async fn found(&self) -> StoreResult<Option<i64>> {
        let call = self.call(OP, "", Effect::Reads);
        // The catalogue is queried with names as values, so that a missing table is an answer and
        // no error.
        let looked = statement(LOOK.to_owned()).bind(self.schema.name().to_owned());
        let rows = self.connections.ask(call, PoolKind::Work, looked).await?;
        let Some(found) = rows.first() else { return Ok(None) };
        let failed = |error: sqlx::Error| call.failed(&error);
        let usable: bool = found.try_get("usable").map_err(failed)?;
        let readable: Option<bool> = found.try_get("readable").map_err(failed)?;
        let missing: Vec<String> = found.try_get("missing").map_err(failed)?;
        let reads: bool = found.try_get("only_reads").map_err(failed)?;
        if reads {
            return Err(call.only_reads(&self.connections.address()));
        }
        let role: &str = found.try_get("role").map_err(failed)?;
        match readable {
            None => return Ok(None),
            Some(true) if usable && missing.is_empty() => {}
            Some(_) => return Err(self.denied(role, &missing)),
        }
        let version = statement(self.schema.sql("select version from {s}.layout"));
        let rows = self.connections.ask(call, PoolKind::Work, version).await?;
        let version = rows.first().map(|row| row.try_get("version")).transpose();
        version
            .map_err(failed)?
            .map(Some)
            .ok_or_else(|| self.unprepared(StoreErrorKind::Corrupt, "the table layout is empty"))
    }

    fn denied(&self, role: &str, missing: &[String]) -> StoreError {
        let schema = &self.schema;
        let tables: Vec<String> = WRITTEN.iter().map(|table| format!("{schema}.{table}")).collect();
        let why = format!(
            "the role {role:?} lacks rights ({}): an administrator has to run: grant usage on \
             schema {schema} to \"{role}\"; grant select on {schema}.layout to \"{role}\"; grant \
             select, insert, update, delete on {} to \"{role}\";",
            if missing.is_empty() {
                "to the schema or its layout".into()
            } else {
                missing.join(", ")
            },
            tables.join(", ")
        );
        self.unprepared(StoreErrorKind::Denied, why)
    }

    /// Accepts the layout version of this release and the next.
    fn check(&self, version: i64) -> StoreResult<()> {
        if version == VERSION || version == VERSION + 1 {
            return Ok(());
        }
        let why = format!(
            "the schema has layout version {version}, this release knows {VERSION} and the one \
             after it: use a release that knows it, or another schema with `schema`"
        );
        Err(self.unprepared(StoreErrorKind::Misconfigured, why))
    }

    /// Makes or migrates the schema. An advisory lock lets one worker at a time do it.
    async fn migrate(&self) -> StoreResult<()> {
        let call = self.call(OP, "", Effect::Writes);
        let deadline = Env::system().clock.now() + PATIENCE;
        let work = async {
            let mut connection = self.connections.connect(call).await?;
            let migrated = self.migrate_on(&mut connection).await;
            let migrated = migrated.map_err(|error| self.not_migrated(call, &error));
            Connections::close(connection).await;
            migrated
        };
        let late = || call.error(StoreErrorKind::Unavailable, "another worker takes too long");
        within(deadline, work).await.ok_or_else(late)?
    }

    async fn migrate_on(&self, connection: &mut PgConnection) -> sqlx::Result<()> {
        let mut transaction = connection.begin().await?;
        let patience = format!("set local statement_timeout = {}", PATIENCE.as_millis());
        sqlx::query(AssertSqlSafe(patience)).execute(&mut *transaction).await?;
        sqlx::query("select pg_advisory_xact_lock(hashtextextended('kcl layout ' || $1, 0))")
            .bind(self.schema.name())
            .execute(&mut *transaction)
            .await?;
        let patience = format!("set local lock_timeout = {}", LOCK_PATIENCE.as_millis());
        sqlx::query(AssertSqlSafe(patience)).execute(&mut *transaction).await?;
        // Checked again under the lock: another worker may have made the schema. An existing schema
        // is not made with `if not exists`, which needs the permission to create.
        let found = sqlx::query(LOOK).bind(self.schema.name()).fetch_optional(&mut *transaction);
        let found = found.await?;
        let made = found.as_ref().map(|found| found.try_get::<Option<bool>, _>("readable"));
        let mut version: i64 = 0;
        match made.transpose()? {
            None => {
                let create = self.schema.sql("create schema {s}");
                sqlx::query(AssertSqlSafe(create)).execute(&mut *transaction).await?;
            }
            Some(None) => {}
            Some(Some(_)) => {
                let read = self.schema.sql("select version from {s}.layout");
                let row = sqlx::query(AssertSqlSafe(read)).fetch_one(&mut *transaction).await?;
                version = row.try_get("version")?;
            }
        }
        for (to, migration) in (1..).zip(MIGRATIONS) {
            if to > version {
                tracing::info!(schema = self.schema.name(), version = to, "kcl.schema.migrating");
                let migration = self.schema.sql(migration);
                sqlx::raw_sql(AssertSqlSafe(migration)).execute(&mut *transaction).await?;
            }
        }
        transaction.commit().await
    }

    fn not_migrated(&self, call: Call<'_>, error: &sqlx::Error) -> StoreError {
        let Some(said) = error.as_database_error() else { return call.failed(error) };
        let (kind, remedy) = match said.code().as_deref() {
            Some("42501") => (
                StoreErrorKind::Denied,
                "and this role may not. Run one worker with a role that may (to make it: `create` \
                 on the database; to change it: the role that made it), or let an administrator \
                 run what `PostgresStore::schema_sql` gives, and grant this role its rights",
            ),
            Some("55P03") => (
                StoreErrorKind::Unavailable,
                "and another transaction uses its tables, like a dump of the database: it is \
                 tried again",
            ),
            _ => return call.failed(error),
        };
        let (said, schema) = (said.message(), &self.schema);
        call.error(kind, format!("{said}: schema {schema} has to be made or changed, {remedy}"))
    }
}

/// Reads from the catalogue whether the schema `$1` exists and what this role may do in it. Returns
/// no row without the schema, and a null `readable` without the layout table.
const LOOK: &str = "select current_user::text as role, \
    current_setting('transaction_read_only') = 'on' as only_reads, \
    has_schema_privilege(n.oid, 'usage') as usable, \
    (select has_table_privilege(c.oid, 'select') from pg_class as c \
        where c.relnamespace = n.oid and c.relname = 'layout') as readable, \
    array(select p.privilege || ' on ' || c.relname from pg_class as c, \
        unnest(array['select', 'insert', 'update', 'delete']) as p(privilege) \
        where c.relnamespace = n.oid and c.relname in ('session', 'lease', 'document') \
        and not has_table_privilege(c.oid, p.privilege)) as missing \
    from pg_namespace as n where n.nspname = $1";
