//! The batch of records that a processor gets.

use std::{ops::Deref, sync::Arc};

use super::Fence;
use crate::stream::{Position, Record, ShardId};

/// Records of one shard, in the shard's order. It dereferences to `[Record]`. A clone is cheap: it
/// shares the records.
///
/// A batch has at most `max_batch` records. It is empty only if the setting `empty_batches` asks
/// for calls without records.
#[derive(Clone, Debug)]
pub struct RecordBatch {
    records: Arc<Vec<Record>>,
    from: usize,
    to: usize,
    shard: ShardId,
    fence: Fence,
    millis_behind: Option<u64>,
}

impl RecordBatch {
    pub(crate) fn new(
        records: Vec<Record>,
        shard: ShardId,
        fence: Fence,
        millis_behind: Option<u64>,
    ) -> Self {
        let to = records.len();
        Self { records: Arc::new(records), from: 0, to, shard, fence, millis_behind }
    }

    /// Makes a batch to test a processor with.
    #[must_use]
    pub fn for_test(records: Vec<Record>, shard: ShardId, fence: Fence) -> Self {
        Self::new(records, shard, fence, None)
    }

    /// Returns the same batch with `millis` as its [`Self::millis_behind`], for tests.
    #[must_use]
    pub fn behind_for_test(self, millis: u64) -> Self {
        Self { millis_behind: Some(millis), ..self }
    }

    /// The shard that the records come from.
    #[must_use]
    pub const fn shard(&self) -> &ShardId {
        &self.shard
    }

    /// The fencing token under which the worker delivers the records.
    #[must_use]
    pub const fn fence(&self) -> &Fence {
        &self.fence
    }

    /// How far this batch was behind the newest record of the shard when the source read it, in
    /// milliseconds (`MillisBehindLatest`). `None` if the source did not say. Some servers always
    /// say zero.
    #[must_use]
    pub const fn millis_behind(&self) -> Option<u64> {
        self.millis_behind
    }

    /// The position of the last record; `None` for an empty batch.
    #[must_use]
    pub fn last_position(&self) -> Option<&Position> {
        self.last().map(|record| &record.position)
    }

    /// Splits the batch into its first `count` records and the rest. Either part may be empty.
    #[must_use]
    pub fn split_at(&self, count: usize) -> (Self, Self) {
        let middle = self.from.saturating_add(count).min(self.to);
        (Self { to: middle, ..self.clone() }, Self { from: middle, ..self.clone() })
    }
}

impl Deref for RecordBatch {
    type Target = [Record];

    fn deref(&self) -> &[Record] {
        self.records.get(self.from..self.to).unwrap_or_default()
    }
}

impl<'a> IntoIterator for &'a RecordBatch {
    type Item = &'a Record;
    type IntoIter = std::slice::Iter<'a, Record>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}
