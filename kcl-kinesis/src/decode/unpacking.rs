//! Unpacking the records of an answer.

use aws_sdk_kinesis::types;
use kcl_core::{
    env::Time,
    stream::{HashRange, Record, ShardId},
};

use super::{kpl, warnings::RateLimitedWarnings};

/// Unpacks the KPL aggregates of one shard.
#[derive(Debug, Default)]
pub(crate) struct Unpacker {
    /// The shard's hash range, where known, and whether it was asked for.
    range: Option<HashRange>,
    range_asked: bool,
    warnings: RateLimitedWarnings,
}

impl Unpacker {
    pub(crate) fn new(range: Option<HashRange>) -> Self {
        Self { range, ..Self::default() }
    }

    /// Whether the shard's hash range has to be known now: for the sub-records of an aggregate.
    pub(crate) fn wants_range(&self, records: &[types::Record]) -> bool {
        let is_aggregate = |record: &types::Record| kpl::is_aggregate(record.data.as_ref());
        self.range.is_none() && !self.range_asked && records.iter().any(is_aggregate)
    }

    /// The shard's hash range, if it has one. It is not asked for again.
    pub(crate) const fn learn_range(&mut self, range: Option<HashRange>) {
        (self.range, self.range_asked) = (range, true);
    }

    /// The user records in these records, in order. Complains about damaged ones now and then.
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
