//! Leases as items.

use std::time::Duration;

use aws_sdk_dynamodb::types::AttributeValue;
use kcl_core::{
    env::WallTime,
    lease::{Checkpoint, Epoch, Lease, LeaseKey, Progress},
    stream::ShardId,
};

use super::{
    Row,
    fields::{BadRow, Fields, number, text},
};
use crate::layout::{Item, Kind, SK};

impl Row for Lease {
    type Key = LeaseKey;
    const KIND: Kind = Kind::Lease;

    fn key(&self) -> &LeaseKey {
        &self.key
    }

    fn sort_key(key: &LeaseKey) -> String {
        key.as_str().to_owned()
    }

    fn encode(&self) -> Item {
        let Progress { arrival, lag, rate, .. } = self.progress;
        [
            ("o", self.owner.as_ref().map(|owner| text(owner.key()))),
            ("e", Some(number(self.epoch))),
            ("k", Some(text(self.checkpoint.key()))),
            ("ck", Some(text(self.checkpoint.kind()))),
            ("ca", arrival.map(|at| number(at.as_millis()))),
            ("cl", lag.map(|lag| number(lag.as_millis()))),
            ("r", Some(number(rate))),
            ("pa", shard_list(&self.parents)),
            ("cd", shard_list(&self.children)),
            ("hr", self.range.map(|range| text(range.to_string()))),
            ("su", self.successor.as_ref().map(|next| text(next.key()))),
            ("av", self.avoid.as_ref().map(|worker| text(worker.as_str()))),
        ]
        .into_iter()
        .filter_map(|(name, value)| Some((name.to_owned(), value?)))
        .collect()
    }

    fn decode(item: &Item) -> Result<Self, BadRow> {
        let row = Fields(item);
        let checkpoint = Checkpoint::from_parts(row.text("ck")?, row.text("k")?)
            .map_err(|why| BadRow::new("k", format!("is bad: {why}")))?;
        let mut lease = Self::new(row.parsed(SK)?, checkpoint);
        lease.owner = row.parsed_or_none("o")?;
        lease.epoch = Epoch(row.number("e")?);
        lease.progress.arrival = row.number_or_none("ca")?.map(WallTime::from_millis);
        lease.progress.lag = row.number_or_none("cl")?.map(Duration::from_millis);
        lease.progress.rate = row.number("r")?;
        lease.parents = row.list("pa")?;
        lease.children = row.list("cd")?;
        lease.range = row.parsed_or_none("hr")?;
        lease.successor = row.parsed_or_none("su")?;
        lease.avoid = row.parsed_or_none("av")?;
        Ok(lease)
    }
}

/// Shard ids as an attribute; none at all if there are none.
pub(crate) fn shard_list(shards: &[ShardId]) -> Option<AttributeValue> {
    let texts = || shards.iter().map(|shard| text(shard.as_str())).collect();
    (!shards.is_empty()).then(|| AttributeValue::L(texts()))
}
