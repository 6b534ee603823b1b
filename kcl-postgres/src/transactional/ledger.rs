//! The statements that bind a batch's effects to its checkpoint.

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

/// The lease rows, as the transactions of batches see them.
pub(super) struct Ledger {
    pub(super) application: String,
    pub(super) schema: Schema,
    pub(super) connections: Connections,
}

/// How far a batch goes, from where.
pub(super) struct Step<'a> {
    pub(super) from: &'a Checkpoint,
    pub(super) to: &'a Checkpoint,
    pub(super) progress: Progress,
}

/// What became of the last statement of a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Advanced {
    /// The row is advanced, once this transaction commits.
    Yes,
    /// The row is not as it was when the batch began.
    Moved,
    /// This is not the transaction that was begun for the batch.
    Elsewhere,
}

/// How long a transaction may stay open after its last statement, before the server ends it: the
/// worker was paused right there, and its successor waits for the row. Below any session timeout.
const LINGER: &str = "2s";

impl Ledger {
    pub(super) fn call<'a>(&'a self, lease: &'a LeaseKey, effect: Effect) -> Call<'a> {
        Call { op: "commit", schema: &self.schema, row: lease.as_str(), effect }
    }

    /// Begins a transaction with a mark, which is gone when the transaction is. The mark is
    /// hexadecimal digits.
    pub(super) fn begin(mark: &str) -> AssertSqlSafe<String> {
        AssertSqlSafe(format!("begin; select set_config('kcl.batch', '{mark}', true)"))
    }

    /// Advances the row in the transaction with this mark: the last statement before the commit.
    pub(super) async fn advance(
        &self,
        on: &mut PgConnection,
        lease: &LeaseHandle,
        step: &Step<'_>,
        mark: &str,
    ) -> sqlx::Result<Advanced> {
        static SQL: LazyLock<String> = LazyLock::new(|| {
            // A rate that was not measured leaves the one that was.
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

    /// Whether this still is the transaction with this mark. Fails after a failed statement.
    pub(super) async fn is_marked(on: &mut PgConnection, mark: &str) -> sqlx::Result<bool> {
        let marked = sqlx::query("select current_setting('kcl.batch', true)").fetch_one(on).await?;
        Ok(marked.try_get::<Option<&str>, _>(0)? == Some(mark))
    }

    /// How far the lease is processed, when every transaction that had advanced it is over; `None`
    /// if it is not held.
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

    /// A statement on the row of a lease, with what it must show as its first four values.
    fn held(&self, sql: &str, lease: &LeaseHandle) -> Statement {
        let Epoch(epoch) = lease.fence().epoch;
        statement(self.schema.sql(sql))
            .bind(self.application.clone())
            .bind(lease.key().as_str().to_owned())
            .bind(lease.owner().key())
            .bind(int(epoch))
    }
}
