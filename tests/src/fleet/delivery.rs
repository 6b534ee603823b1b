//! One record, as a consumer wrote it.

use std::sync::Arc;

use anyhow::{Context, Result};
use serde_json::Value;

/// One line of a consumer's standard output.
#[derive(Clone, Debug)]
pub struct Delivery {
    /// The consumer's worker id.
    pub worker: Arc<str>,
    /// The number of the process that wrote it: processes are counted over the fleet.
    pub life: usize,
    /// The pass of the watcher that saw it. Of the lines of two processes, one that was seen two
    /// passes or more before the other was written before it.
    pub pass: u64,
    /// The time of that pass, in milliseconds since 1970.
    pub seen: f64,
    /// The shard.
    pub shard: Arc<str>,
    /// The sequence number.
    pub sequence: Arc<str>,
    /// The partition key.
    pub key: Arc<str>,
    /// The payload.
    pub text: Arc<str>,
    /// The epoch of the lease.
    pub epoch: u64,
}

impl Delivery {
    /// Parses a line. `(pass, seen)` are the fields of these names.
    ///
    /// # Errors
    /// The line is no record: the message says why.
    pub fn parse(
        worker: &Arc<str>,
        life: usize,
        (pass, seen): (u64, f64),
        line: &str,
    ) -> Result<Self> {
        let record: Value =
            serde_json::from_str(line).with_context(|| format!("not JSON: {line}"))?;
        let text = |field: &str| -> Result<Arc<str>> {
            let value = record[field].as_str();
            value.map(Into::into).with_context(|| format!("no {field}: {line}"))
        };
        let epoch = &record["epoch"];
        let epoch = epoch.as_u64().or_else(|| epoch.as_str()?.parse().ok());
        Ok(Self {
            worker: Arc::clone(worker),
            life,
            pass,
            seen,
            shard: text("shard")?,
            sequence: text("sequence_number")?,
            key: text("partition_key")?,
            text: text("data")?,
            epoch: epoch.with_context(|| format!("no epoch: {line}"))?,
        })
    }
}
