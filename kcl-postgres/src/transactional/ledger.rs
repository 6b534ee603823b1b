//! The statements that commit a batch's effects together with its checkpoint.

use std::sync::LazyLock;

use kcl_core::{
    lease::{Checkpoint, Epoch, LeaseKey, Progress},
    processor::LeaseHandle,
    store::{StoreErrorKind, StoreResult},
};
use sqlx::{AssertSqlSafe, PgConnection, Row};

use crate::{
    codec::{bind, int},
    connections::{Connections, PoolKind, Statement, statement},
    error::{Call, Effect},
    layout::Schema,
    statements::{listed, place, place_values, set},
};

/// The lease rows of an application, for the transactions of batches.
pub(super) struct Ledger {
    pub(super) application: String,
    pub(super) schema: Schema,
    pub(super) connections: Connections,
}

/// The advance of a lease by one batch.
pub(super) struct Step<'a> {
    pub(super) from: &'a Checkpoint,
    pub(super) to: &'a Checkpoint,
    pub(super) progress: Progress,
}

/// The outcome of the last statement of a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Advanced {
    /// The statement has advanced the row; the commit makes it durable.
    Yes,
    /// The row differs from what it was when the batch began.
    Moved,
    /// The connection is not in the transaction that was begun for the batch: the processor has
    /// ended that.
    Elsewhere,
}

/// The time after which the server ends a transaction that stays open after its last statement: the
/// worker was paused right there, and its successor waits for the lock of the row. It is below the
/// shortest session timeout of the presets (3 s).
const LINGER: &str = "2s";

impl Ledger {
    pub(super) fn call<'a>(&'a self, lease: &'a LeaseKey, effect: Effect) -> Call<'a> {
        Call { op: "commit", schema: &self.schema, row: lease.as_str(), effect }
    }

    /// The text that begins a transaction and sets a mark, which the end of the transaction
    /// removes. The mark consists of hexadecimal digits.
    pub(super) fn begin(mark: &str) -> AssertSqlSafe<String> {
        AssertSqlSafe(format!("begin; select set_config('kcl.batch', '{mark}', true)"))
    }

    /// Advances the row in the transaction with this mark, as the last statement before the commit.
    pub(super) async fn advance(
        &self,
        on: &mut PgConnection,
        lease: &LeaseHandle,
        step: &Step<'_>,
        mark: &str,
    ) -> sqlx::Result<Advanced> {
        static SQL: LazyLock<String> = LazyLock::new(|| {
            // 0 means that no rate was measured; the row keeps its own.
            let value = |column: &str, n| match column {
                "rate" => format!("rate = coalesce(nullif(${n}, 0), rate)"),
                column => set(column, n),
            };
            let place = listed(place(), 8, value);
            format!(
                "update {{s}}.lease set {place} \
                 where application = $1 and key = $2 and owner = $3 and epoch = $4 \
                 and checkpoint = $5 and checkpoint <= $8 \
                 and current_setting('kcl.batch', true) = $6 \
                 returning set_config('idle_in_transaction_session_timeout', $7, true)"
            )
        });
        let held = self.held(&SQL, lease).bind(step.from.key()).bind(mark.to_owned()).bind(LINGER);
        let advance = bind(held, place_values(step.to, &step.progress));
        if advance.fetch_optional(&mut *on).await?.is_some() {
            return Ok(Advanced::Yes);
        }
        Ok(if Self::is_marked(on, mark).await? { Advanced::Moved } else { Advanced::Elsewhere })
    }

    /// True if the connection is in the transaction with this mark. Fails after a failed statement.
    pub(super) async fn is_marked(on: &mut PgConnection, mark: &str) -> sqlx::Result<bool> {
        let marked = sqlx::query("select current_setting('kcl.batch', true)").fetch_one(on).await?;
        Ok(marked.try_get::<Option<&str>, _>(0)? == Some(mark))
    }

    /// The stored checkpoint, read under the lock of the row, which waits for every transaction
    /// that has advanced it. `None` if this session does not hold the lease under its epoch.
    pub(super) async fn settled(&self, lease: &LeaseHandle) -> StoreResult<Option<Checkpoint>> {
        const SQL: &str = "select checkpoint, kind from {s}.lease where application = $1 \
            and key = $2 and owner = $3 and epoch = $4 for no key update";
        let call = self.call(lease.key(), Effect::Reads);
        let rows = self.connections.ask(call, PoolKind::Work, self.held(SQL, lease)).await?;
        let Some(row) = rows.first() else { return Ok(None) };
        let failed = |error: sqlx::Error| call.failed(&error);
        let (key, kind) = (row.try_get("checkpoint"), row.try_get("kind"));
        Checkpoint::from_parts(kind.map_err(failed)?, key.map_err(failed)?)
            .map(Some)
            .map_err(|bad| call.error(StoreErrorKind::Corrupt, bad.to_string()))
    }

    /// A statement on the row of a lease. Its first four values are application, key, owner and
    /// epoch.
    fn held(&self, sql: &str, lease: &LeaseHandle) -> Statement {
        let Epoch(epoch) = lease.fence().epoch;
        statement(self.schema.sql(sql))
            .bind(self.application.clone())
            .bind(lease.key().as_str().to_owned())
            .bind(lease.owner().key())
            .bind(int(epoch))
    }
}
