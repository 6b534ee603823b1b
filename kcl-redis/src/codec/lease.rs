//! Leases as rows.

use std::{collections::BTreeMap, time::Duration};

use kcl_core::{
    env::WallTime,
    lease::{Checkpoint, Epoch, Lease, LeaseKey, Progress, SessionId},
    stream::ShardId,
};

use super::{
    Row,
    fields::{BadRow, Fields, parse_name},
};
use crate::layout::Kind;

impl Row for Lease {
    type Key = LeaseKey;
    const KIND: Kind = Kind::Lease;

    fn key(&self) -> &LeaseKey {
        &self.key
    }

    fn name(key: &LeaseKey) -> String {
        key.as_str().to_owned()
    }

    fn fields(&self) -> BTreeMap<&'static str, String> {
        let Progress { arrival, lag, rate, .. } = self.progress;
        [
            ("o", self.owner.as_ref().map(SessionId::key)),
            ("e", Some(self.epoch.to_string())),
            ("k", Some(self.checkpoint.key())),
            ("ck", Some(self.checkpoint.kind())),
            ("ca", arrival.map(|at| at.as_millis().to_string())),
            ("cl", lag.map(|lag| lag.as_millis().to_string())),
            ("r", Some(rate.to_string())),
            ("pa", shard_list(&self.parents)),
            ("cd", shard_list(&self.children)),
            ("hr", self.range.map(|range| range.to_string())),
            ("su", self.successor.as_ref().map(SessionId::key)),
            ("av", self.avoid.as_ref().map(ToString::to_string)),
        ]
        .into_iter()
        .filter_map(|(name, value)| Some((name, value?)))
        .collect()
    }

    fn decode(name: &str, fields: &Fields, _: &[u8]) -> Result<Self, BadRow> {
        let checkpoint = Checkpoint::from_parts(fields.text("ck")?, fields.text("k")?)
            .map_err(|why| BadRow::field("k", format!("is bad: {why}")))?;
        let mut lease = Self::new(parse_name(name)?, checkpoint);
        lease.owner = fields.parsed_or_none("o")?;
        lease.epoch = Epoch(fields.parsed("e")?);
        lease.progress.arrival = fields.parsed_or_none("ca")?.map(WallTime::from_millis);
        lease.progress.lag = fields.parsed_or_none("cl")?.map(Duration::from_millis);
        lease.progress.rate = fields.parsed("r")?;
        lease.parents = fields.list("pa")?;
        lease.children = fields.list("cd")?;
        lease.range = fields.parsed_or_none("hr")?;
        lease.successor = fields.parsed_or_none("su")?;
        lease.avoid = fields.parsed_or_none("av")?;
        Ok(lease)
    }
}

/// Shard ids as a field; none at all if there are none. No shard id holds a comma.
pub(crate) fn shard_list(shards: &[ShardId]) -> Option<String> {
    let texts = || shards.iter().map(ShardId::as_str).collect::<Vec<_>>().join(",");
    (!shards.is_empty()).then(texts)
}
