//! What is known of one shard and its records.

use std::collections::BTreeMap;

use kcl_core::{
    lease::{Checkpoint, Epoch},
    stream::{Position, Record, ShardId},
};

/// What is known of one shard.
#[derive(Debug, Default)]
pub(super) struct ShardBook {
    pub(super) parents: Vec<ShardId>,
    pub(super) closed: bool,
    /// Its end was acknowledged.
    pub(super) ended: bool,
    pub(super) records: Vec<RecordBook>,
    /// How many of the oldest records the stream has dropped.
    pub(super) trimmed: usize,
    /// Which process held it under which epoch.
    pub(super) epochs: BTreeMap<Epoch, String>,
    /// Who has records of it in the processor.
    pub(super) in_hand: Option<String>,
    /// The newest epoch anything was written under, by whom, and which record that was.
    pub(super) newest_write: Option<(Epoch, String, usize)>,
}

/// What is known of one record.
#[derive(Debug)]
pub(super) struct RecordBook {
    /// Its index among all records of the run, in the order in which they were put.
    pub(super) number: u64,
    pub(super) position: Position,
    pub(super) key: Option<String>,
    /// Whether it has to have an effect.
    pub(super) matters: bool,
    /// Somebody was given it.
    pub(super) delivered: bool,
    /// Somebody said that it is processed.
    pub(super) acknowledged: bool,
    /// It may be missing: it was reported as lost, or skipped by policy.
    pub(super) excused: bool,
    /// How often it had its effect.
    pub(super) effects: u32,
}

impl RecordBook {
    pub(super) fn new(number: u64, record: &Record, matters: bool) -> Self {
        Self {
            number,
            position: record.position.clone(),
            key: record.partition_key.clone(),
            matters,
            delivered: false,
            acknowledged: false,
            excused: false,
            effects: 0,
        }
    }

    /// Whether nothing is missing of it as far as effects go.
    pub(super) const fn is_in_effect(&self) -> bool {
        self.effects > 0 || self.excused || !self.matters
    }

    /// Whether the fleet is done with it.
    pub(super) const fn is_done(&self) -> bool {
        self.acknowledged || self.excused
    }
}

impl ShardBook {
    /// How many records a checkpoint leaves behind it.
    pub(super) fn passed(&self, checkpoint: &Checkpoint) -> usize {
        match checkpoint {
            Checkpoint::ShardEnd => self.records.len(),
            Checkpoint::After(at) => self.records.partition_point(|record| record.position <= *at),
            _ => 0,
        }
    }
}
