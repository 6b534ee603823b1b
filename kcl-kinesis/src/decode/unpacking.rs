//! [`Unpacker`]: unpacks the KPL aggregates in an answer.

use aws_sdk_kinesis::types;
use kcl_core::{
    env::Time,
    stream::{HashRange, Record, ShardId},
};

use super::{kpl, warnings::RateLimitedWarnings};

/// Unpacks the KPL aggregates of one shard, and logs damaged ones.
#[derive(Debug, Default)]
pub(crate) struct Unpacker {
    /// The hash range of the shard, if known. `range_asked` is true after it was looked up.
    range: Option<HashRange>,
    range_asked: bool,
    warnings: RateLimitedWarnings,
}

impl Unpacker {
    pub(crate) fn new(range: Option<HashRange>) -> Self {
        Self { range, ..Self::default() }
    }

    /// True if the hash range of the shard has to be looked up before these records are unpacked:
    /// there is an aggregate, and the range is not known.
    pub(crate) fn wants_range(&self, records: &[types::Record]) -> bool {
        let is_aggregate = |record: &types::Record| kpl::is_aggregate(record.data.as_ref());
        self.range.is_none() && !self.range_asked && records.iter().any(is_aggregate)
    }

    /// Sets the hash range of the shard, as looked up. It is not looked up again.
    pub(crate) const fn learn_range(&mut self, range: Option<HashRange>) {
        (self.range, self.range_asked) = (range, true);
    }

    /// Returns the user records in these records, in order. Logs a warning about damaged
    /// aggregates, at a limited rate.
    pub(crate) fn unpack(
        &mut self,
        records: Vec<Record>,
        shard: &ShardId,
        now: Time,
    ) -> Vec<Record> {
        if !records.iter().any(|record| kpl::is_aggregate(&record.data)) {
            return records;
        }
        let mut unpacked = Vec::with_capacity(records.len());
        for record in records {
            if let Err(damage) = kpl::unpack(record, self.range, &mut unpacked)
                && let Some(last) = unpacked.last()
            {
                self.warnings.damaged(now, shard, &last.position.sequence, damage);
            }
        }
        unpacked
    }
}
