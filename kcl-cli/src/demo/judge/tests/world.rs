//! Makes histories of correct runs, which tests change into wrong ones.

use std::ops::Range;

use kcl_core::{
    lease::Epoch,
    stream::{SequenceNumber, ShardId},
};
use proptest::prelude::*;

use crate::demo::facts::{Cue, Delivery, Event, History, Produced, Split, WorkerNo};

/// The number of partition keys.
const KEYS: u32 = 8;

/// A step of a run. A shard's number is taken modulo the number of shards.
#[derive(Clone, Copy, Debug)]
pub(super) enum Step {
    Put(u32),
    Deliver(usize, usize),
    /// Another worker takes the shard over, and repeats a few records.
    TakeOver(usize, usize),
    Split(usize),
}

pub(super) fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        6 => (0..KEYS).prop_map(Step::Put),
        3 => (0..8_usize, 1..5_usize).prop_map(|(shard, count)| Step::Deliver(shard, count)),
        1 => (0..8_usize, 0..4_usize).prop_map(|(shard, back)| Step::TakeOver(shard, back)),
        1 => (0..8_usize).prop_map(Step::Split),
    ];
    prop::collection::vec(step, 1..120)
}

#[derive(Debug)]
struct Shard {
    keys: Range<u32>,
    parent: Option<usize>,
    open: bool,
    records: Vec<u64>,
    /// How many of the records are processed.
    done: usize,
    epoch: u64,
}

/// A stream with its readers, and the history so far.
#[derive(Debug)]
pub(super) struct World {
    shards: Vec<Shard>,
    pub(super) history: History,
    /// The number of repeated deliveries.
    pub(super) again: usize,
}

impl World {
    /// Plays the steps, and then processes all remaining records.
    pub(super) fn after(steps: &[Step]) -> Self {
        let mut world = Self { shards: Vec::new(), history: History::default(), again: 0 };
        world.shards.push(Shard::new(0..KEYS / 2, None));
        world.shards.push(Shard::new(KEYS / 2..KEYS, None));
        for step in steps {
            world.step(*step);
        }
        // Parents come before their children in the list.
        for shard in 0..world.shards.len() {
            world.deliver(shard, usize::MAX);
        }
        world.history.over = world.now();
        world
    }

    fn step(&mut self, step: Step) {
        match step {
            Step::Put(key) => self.put(key),
            Step::Deliver(shard, count) => self.deliver(shard % self.shards.len(), count),
            Step::TakeOver(shard, back) => self.take_over(shard % self.shards.len(), back),
            Step::Split(shard) => self.split(shard % self.shards.len()),
        }
    }

    fn put(&mut self, key: u32) {
        let produced = &mut self.history.produced;
        let id = produced.len() as u64;
        let nth = produced.iter().filter(|record| record.key == key).count();
        produced.push(Produced { id, key, nth: u32::try_from(nth).unwrap() });
        let shard = self.shards.iter_mut().find(|shard| shard.open && shard.keys.contains(&key));
        shard.unwrap().records.push(id);
    }

    fn deliver(&mut self, number: usize, count: usize) {
        let parent = |number: &usize| self.shards[*number].parent;
        let mut ancestors = std::iter::successors(parent(&number), parent);
        if ancestors.any(|ancestor| !self.shards[ancestor].is_over()) {
            return;
        }
        for _ in 0..count {
            let at = self.now();
            let shard = &mut self.shards[number];
            let Some(id) = shard.records.get(shard.done).copied() else { return };
            shard.done += 1;
            let epoch = Epoch(shard.epoch);
            self.again += usize::from(self.history.deliveries.iter().any(|d| d.id == id));
            self.history.deliveries.push(Delivery {
                worker: WorkerNo(u16::try_from(epoch.0).unwrap()),
                shard: name(number),
                epoch,
                sequence: SequenceNumber::from(u128::from(id)),
                id,
                at,
                lag: 1,
            });
        }
    }

    fn take_over(&mut self, number: usize, back: usize) {
        let shard = &mut self.shards[number];
        if !shard.is_over() {
            shard.epoch += 1;
            shard.done = shard.done.saturating_sub(back);
        }
    }

    fn split(&mut self, number: usize) {
        let at = self.now();
        let shard = &mut self.shards[number];
        if !shard.open || shard.keys.len() < 2 {
            return;
        }
        shard.open = false;
        let (start, end) = (shard.keys.start, shard.keys.end);
        let middle = start + (end - start) / 2;
        let first = self.shards.len();
        self.shards.push(Shard::new(start..middle, Some(number)));
        self.shards.push(Shard::new(middle..end, Some(number)));
        let children = vec![name(first), name(first + 1)];
        let cue = Cue::Split(vec![Split { parent: name(number), children }]);
        self.history.events.push(Event { cue, at });
    }

    fn now(&self) -> u64 {
        self.history.deliveries.len() as u64
    }
}

impl Shard {
    fn new(keys: Range<u32>, parent: Option<usize>) -> Self {
        Self { keys, parent, open: true, records: Vec::new(), done: 0, epoch: 1 }
    }

    fn is_over(&self) -> bool {
        !self.open && self.done == self.records.len()
    }
}

pub(super) fn name(number: usize) -> ShardId {
    format!("shardId-{number:012}").parse().unwrap()
}
