//! Sends statements for the rows of one application in one schema.

use kcl_core::{
    lease::{Generation, Stamp, Stamped, StoreTime},
    store::{
        Cursor, Page, StoreErrorKind, StoreResult, Write,
        codec::{BadRow, Row},
    },
};
use sqlx::{Row as _, postgres::PgRow};

use crate::{
    codec::{InTable, bind, cells, decode},
    connections::{Connections, PoolKind, Statement, statement},
    error::{Call, Effect},
    layout::Schema,
    statements::Conditional,
};

/// The most rows of a page.
const PAGE_ROWS: i64 = 1_000;
/// The bytes of document bodies after which a page ends.
const PAGE_BYTES: i64 = 4 * 1024 * 1024;

/// The rows of one application in the tables of a schema.
#[derive(Debug)]
pub(crate) struct Tables {
    pub(crate) application: String,
    pub(crate) schema: Schema,
    pub(crate) connections: Connections,
}

impl Tables {
    pub(crate) const fn call<'a>(
        &'a self,
        op: &'static str,
        row: &'a str,
        effect: Effect,
    ) -> Call<'a> {
        Call { op, schema: &self.schema, row, effect }
    }

    /// Writes one row under a condition. A refusal returns the row as a second statement reads it.
    pub(crate) async fn write<R: Row>(
        &self,
        op: &'static str,
        key: &R::Key,
        write: Conditional,
    ) -> StoreResult<Write<R>> {
        let key = R::key_text(key);
        let call = self.call(op, &key, Effect::Writes);
        let rows = self.send(call, PoolKind::Work, write, R::columns()).await?;
        self.settle(call, rows).await
    }

    /// Writes several rows under conditions in one statement, and returns the written rows.
    pub(crate) async fn write_all<R: Row>(
        &self,
        op: &'static str,
        write: Conditional,
    ) -> StoreResult<Vec<R>> {
        let call = self.call(op, "", Effect::Writes);
        let sql = self.schema.sql(&write.sql.replace("{row}", R::columns()));
        let statement = (write.bind)(statement(sql).bind(self.application.clone()));
        let rows = self.connections.ask(call, PoolKind::Work, statement).await?;
        rows.iter().map(|row| read(call, row)).collect()
    }

    /// Creates a row if there is none.
    pub(crate) async fn insert<R: Row>(&self, op: &'static str, row: R) -> StoreResult<Write<R>> {
        let key = R::key_text(row.key());
        let call = self.call(op, &key, Effect::Writes);
        let insert = self.insertion(&row, R::columns());
        let rows = self.connections.ask(call, PoolKind::Work, insert).await?;
        self.settle(call, rows).await
    }

    /// The result of a write: done if it returned its row, else refused.
    async fn settle<R: Row>(&self, call: Call<'_>, rows: Vec<PgRow>) -> StoreResult<Write<R>> {
        if let Some(row) = rows.first() {
            return Ok(Write::Done(read(call, row)?));
        }
        // A second statement, because the first sees the row only as it was at its own start.
        let row = self.look(Call { effect: Effect::Reads, ..call }).await?;
        Ok(Write::Refused(row))
    }

    /// The same as [`Self::write`], in the pool of beats and with a stamp.
    pub(crate) async fn stamped_write<R: Row>(
        &self,
        op: &'static str,
        key: &R::Key,
        write: Conditional,
    ) -> StoreResult<Stamped<Write<R>>> {
        let key = R::key_text(key);
        let call = self.call(op, &key, Effect::Writes);
        let rows = self.send(call, PoolKind::Beats, write, &self.stamped(R::columns())).await?;
        self.settle_stamped(call, rows).await
    }

    /// The same as [`Self::insert`], in the pool of beats and with a stamp.
    pub(crate) async fn stamped_insert<R: Row>(
        &self,
        op: &'static str,
        row: R,
    ) -> StoreResult<Stamped<Write<R>>> {
        let key = R::key_text(row.key());
        let call = self.call(op, &key, Effect::Writes);
        let insert = self.insertion(&row, &self.stamped(R::columns()));
        let rows = self.connections.ask(call, PoolKind::Beats, insert).await?;
        self.settle_stamped(call, rows).await
    }

    /// The same as [`Self::settle`], with a stamp.
    async fn settle_stamped<R: Row>(
        &self,
        call: Call<'_>,
        rows: Vec<PgRow>,
    ) -> StoreResult<Stamped<Write<R>>> {
        if let Some(row) = rows.first() {
            return Ok(Stamped { value: Write::Done(read(call, row)?), stamp: stamp(call, row)? });
        }
        // The join returns one row in any case, so that there is a stamp without a session, too.
        let sql = format!(
            "select {}, {key} is null as absent from (select 1) as one left join {{s}}.{table} \
             on application = $1 and {key} = $2",
            self.stamped(R::columns()),
            key = R::KEY,
            table = R::TABLE
        );
        let call = Call { effect: Effect::Reads, ..call };
        let rows = self.connections.ask(call, PoolKind::Beats, self.keyed(&sql, call.row)).await?;
        let row = rows.first().ok_or_else(|| {
            call.error(StoreErrorKind::Corrupt, "the server gave no row where there is one always")
        })?;
        let absent = row.try_get("absent").map_err(|error| call.failed(&error))?;
        let session = if absent { None } else { Some(read(call, row)?) };
        Ok(Stamped { value: Write::Refused(session), stamp: stamp(call, row)? })
    }

    /// Reads a row.
    pub(crate) async fn get<R: Row>(
        &self,
        op: &'static str,
        key: &R::Key,
    ) -> StoreResult<Option<R>> {
        let key = R::key_text(key);
        self.look(self.call(op, &key, Effect::Reads)).await
    }

    /// Reads the row of a call.
    async fn look<R: Row>(&self, call: Call<'_>) -> StoreResult<Option<R>> {
        let sql = format!(
            "select {} from {{s}}.{} where application = $1 and {} = $2",
            R::columns(),
            R::TABLE,
            R::KEY
        );
        let rows = self.connections.ask(call, PoolKind::Work, self.keyed(&sql, call.row)).await?;
        rows.first().map(|row| read(call, row)).transpose()
    }

    /// Lists rows of one kind, in the order of their keys.
    pub(crate) async fn list<R: Row>(
        &self,
        op: &'static str,
        from: Option<Cursor>,
    ) -> StoreResult<Page<R>> {
        let sql = format!(
            "select {} from {{s}}.{} where application = $1 and {key} > $2 order by {key} \
             limit {PAGE_ROWS}",
            R::columns(),
            R::TABLE,
            key = R::KEY
        );
        let (rows, last) = self.page::<R>(op, from, &sql).await?;
        let full = i64::try_from(rows.len()).is_ok_and(|rows| rows == PAGE_ROWS);
        Ok(Page::read(rows.iter().map(decode), last.filter(|_| full)))
    }

    /// The same as [`Self::list`] for documents, whose pages also end after [`PAGE_BYTES`].
    pub(crate) async fn list_long<R: Row>(
        &self,
        op: &'static str,
        from: Option<Cursor>,
    ) -> StoreResult<Page<R>> {
        let sql = format!(
            "select {columns} from (select *, sum(octet_length(body)) over (order by {key}) - \
             octet_length(body) as before from (select {columns} from {{s}}.{} \
             where application = $1 and {key} > $2 order by {key} limit {PAGE_ROWS}) as page) \
             as page where before < {PAGE_BYTES} order by {key}",
            R::TABLE,
            columns = R::columns(),
            key = R::KEY
        );
        let (rows, last) = self.page::<R>(op, from, &sql).await?;
        // The bytes may have ended the page, so that only an empty page is known to be the last.
        Ok(Page::read(rows.iter().map(decode), last))
    }

    /// The rows of a page, and the key of the last one as the cursor, even if that row cannot be
    /// decoded.
    async fn page<R: Row>(
        &self,
        op: &'static str,
        from: Option<Cursor>,
        sql: &str,
    ) -> StoreResult<(Vec<PgRow>, Option<Cursor>)> {
        let call = self.call(op, "", Effect::Reads);
        let from = from.map(|cursor| cursor.0).unwrap_or_default();
        let rows = self.connections.ask(call, PoolKind::Work, self.keyed(sql, &from)).await?;
        let last = rows.last().map(|last| last.try_get(R::KEY)).transpose();
        let last = last.map_err(|error| call.failed(&error))?;
        Ok((rows, last.map(Cursor)))
    }

    /// Sends a conditional statement that returns these columns.
    pub(crate) async fn send(
        &self,
        call: Call<'_>,
        pool: PoolKind,
        write: Conditional,
        columns: &str,
    ) -> StoreResult<Vec<PgRow>> {
        let statement = self.keyed(&write.sql.replace("{row}", columns), call.row);
        self.connections.ask(call, pool, (write.bind)(statement)).await
    }

    /// A statement with the application and a key as its first values.
    fn keyed(&self, sql: &str, key: &str) -> Statement {
        statement(self.schema.sql(sql)).bind(self.application.clone()).bind(key.to_owned())
    }

    /// The statement that inserts a row if there is none.
    fn insertion<R: Row>(&self, row: &R, returned: &str) -> Statement {
        // The application, the key, and all fields.
        let values: Vec<String> = (1..=R::FIELDS.len() + 2).map(|n| format!("${n}")).collect();
        let sql = format!(
            "insert into {{s}}.{} (application, {}) values ({}) on conflict do nothing \
             returning {returned}",
            R::TABLE,
            R::columns(),
            values.join(", ")
        );
        bind(self.keyed(&sql, &R::key_text(row.key())), cells(row))
    }

    /// The columns with those of a stamp: the server's clock, and as the generation its timeline
    /// with the object id of the session table. The timeline is that of the log being written,
    /// because the control file still names the old one just after a promotion.
    fn stamped(&self, columns: &str) -> String {
        let timeline = if self.connections.tells_timeline() {
            "left(pg_walfile_name(pg_current_wal_lsn()), 8)"
        } else {
            "''"
        };
        format!(
            "{columns}, (extract(epoch from clock_timestamp()) * 1000)::bigint as store_ms, \
             {timeline} || '/' || '{{s}}.session'::regclass::oid as generation"
        )
    }
}

/// Decodes a row.
fn read<R: Row>(call: Call<'_>, row: &PgRow) -> StoreResult<R> {
    decode(row).map_err(|bad: BadRow| {
        let key: Result<&str, _> = row.try_get(R::KEY);
        let call = Call { row: key.unwrap_or(call.row), ..call };
        call.error(StoreErrorKind::Corrupt, bad.to_string())
    })
}

/// Reads the columns of a stamp.
fn stamp(call: Call<'_>, row: &PgRow) -> StoreResult<Stamp> {
    let millis: i64 = row.try_get("store_ms").map_err(|error| call.failed(&error))?;
    let generation: &str = row.try_get("generation").map_err(|error| call.failed(&error))?;
    let at = StoreTime(u64::try_from(millis).unwrap_or_default());
    Ok(Stamp::new(at, Generation::new(generation)))
}
