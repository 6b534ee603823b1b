//! Leases as rows.

use std::time::Duration;

use kcl_core::{
    env::WallTime,
    lease::{Checkpoint, Epoch, Lease, LeaseKey, Progress},
};
use sqlx::postgres::PgRow;

use super::{
    Row,
    fields::{Fields, int, millis, shards},
};
use crate::{connections::Statement, error::BadRow};

impl Row for Lease {
    type Key = LeaseKey;
    const TABLE: &'static str = "lease";
    const KEY: &'static str = "key";
    const COLUMNS: &'static str = "key, owner, epoch, checkpoint, kind, arrival_ms, lag_ms, rate, \
        parents, children, hash_range, successor, avoid";

    fn text_of(key: &LeaseKey) -> String {
        key.as_str().to_owned()
    }

    fn key_text(&self) -> String {
        self.key.as_str().to_owned()
    }

    fn bind(&self, statement: Statement) -> Statement {
        let statement = statement
            .bind(self.key_text())
            .bind(self.owner.as_ref().map(kcl_core::lease::SessionId::key))
            .bind(int(self.epoch.0));
        bind_checkpoint(statement, Some(&self.checkpoint), &self.progress)
            .bind(shards(&self.parents))
            .bind(shards(&self.children))
            .bind(self.range.map(|range| range.to_string()))
            .bind(self.successor.as_ref().map(kcl_core::lease::SessionId::key))
            .bind(self.avoid.as_ref().map(|worker| worker.as_str().to_owned()))
    }

    fn decode(row: &PgRow) -> Result<Self, BadRow> {
        let row = Fields(row);
        let checkpoint = Checkpoint::from_parts(row.text("kind")?, row.text("checkpoint")?)
            .map_err(|why| BadRow::new("checkpoint", format!("is bad: {why}")))?;
        let mut lease = Self::new(row.parsed("key")?, checkpoint);
        lease.owner = row.parsed_or_none("owner")?;
        lease.epoch = Epoch(row.number("epoch")?);
        lease.progress.arrival = row.number_or_none("arrival_ms")?.map(WallTime::from_millis);
        lease.progress.lag = row.number_or_none("lag_ms")?.map(Duration::from_millis);
        lease.progress.rate = row.number("rate")?;
        lease.parents = row.shards("parents")?;
        lease.children = row.shards("children")?;
        lease.range = row.parsed_or_none("hash_range")?;
        lease.successor = row.parsed_or_none("successor")?;
        lease.avoid = row.parsed_or_none("avoid")?;
        Ok(lease)
    }
}

/// Gives a statement `checkpoint`, `kind`, `arrival_ms`, `lag_ms` and `rate`.
pub(crate) fn bind_checkpoint(
    statement: Statement,
    checkpoint: Option<&Checkpoint>,
    progress: &Progress,
) -> Statement {
    statement
        .bind(checkpoint.map(Checkpoint::key))
        .bind(checkpoint.map(Checkpoint::kind))
        .bind(progress.arrival.map(|at| int(at.as_millis())))
        .bind(progress.lag.map(millis))
        .bind(int(progress.rate))
}
